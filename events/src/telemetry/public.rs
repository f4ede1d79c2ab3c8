//! What may be told of an address: in spans, metrics, logs, health and pictures.

/// A text that may be a URL, without what is secret in one: the user, the password, the values of a query. A digest, which tells
/// two queries apart, is left.
pub(crate) fn public(text: &str) -> String {
    let (told, query) = text.split_once('?').map_or((text, None), |(told, query)| (told, Some(query)));
    let (scheme, rest) = told.find("://").map_or(("", told), |at| told.split_at(at + 3));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = match authority.rsplit_once('@') {
        Some((user, host)) if !scheme.is_empty() || user.contains(':') => host,
        _ => authority,
    };
    match query {
        None => format!("{scheme}{host}{path}"),
        Some(digest) if is_digest(digest) => format!("{scheme}{host}{path}?{digest}"),
        Some(_) => format!("{scheme}{host}{path}?.."),
    }
}

/// Sixteen bits, as sources write them in the place of a query.
fn is_digest(query: &str) -> bool {
    query.strip_prefix('~').is_some_and(|rest| rest.len() == 4 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::public;

    #[test]
    fn what_is_secret_in_a_url_is_left_out() {
        let cases = [
            ("amqp://cat:hunter2@broker:5672/shop/orders", "amqp://broker:5672/shop/orders"),
            ("https://a@b:hunter2@host/feed?token=hunter2", "https://host/feed?.."),
            ("https://host/feed?~3f2a", "https://host/feed?~3f2a"),
            ("https://host/feed?~hunter2", "https://host/feed?.."),
            ("https://host/feed?~3f2a&a=b", "https://host/feed?.."),
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
