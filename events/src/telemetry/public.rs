//! What may be told of an address: in spans, metrics, logs, health and pictures.

/// A text that may be a URL, without what is secret in one: the user, the password, the query.
pub(crate) fn public(text: &str) -> String {
    let (told, query) = text.split_once('?').map_or((text, ""), |(told, _)| (told, "?.."));
    let (scheme, rest) = told.find("://").map_or(("", told), |at| told.split_at(at + 3));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = match authority.rsplit_once('@') {
        Some((user, host)) if !scheme.is_empty() || user.contains(':') => host,
        _ => authority,
    };
    format!("{scheme}{host}{path}{query}")
}

#[cfg(test)]
mod tests {
    use super::public;

    #[test]
    fn what_is_secret_in_a_url_is_left_out() {
        let cases = [
            ("amqp://cat:hunter2@broker:5672/shop/orders", "amqp://broker:5672/shop/orders"),
            ("https://a@b:hunter2@host/feed?token=hunter2", "https://host/feed?.."),
            ("https://host/@cats", "https://host/@cats"),
            ("memory/orders", "memory/orders"),
            (
                "pubsub://localhost:8085/projects/p/subscriptions/s",
                "pubsub://localhost:8085/projects/p/subscriptions/s",
            ),
            ("cat:hunter2@broker", "broker"),
            ("cats@home", "cats@home"),
            ("list", "list"),
            ("", ""),
        ];
        for (given, told) in cases {
            assert_eq!(public(given), told, "{given}");
        }
    }
}
