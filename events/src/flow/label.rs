//! How things are named in a picture.

/// The name of a type, without its path and its parameters.
pub(super) fn type_name(path: &str) -> &str {
    if path.ends_with("{{closure}}") {
        return "closure";
    }
    let path = path.split('<').next().unwrap_or(path);
    path.rsplit("::").next().unwrap_or(path)
}

/// An address without what is secret in a URL (the user, the password, the values of a query), and without what differs from
/// one run to the next: where in memory something lies.
pub(super) fn address(address: &str) -> String {
    let (told, hidden) = match address.split_once('?') {
        Some((told, _)) => (told, "?.."),
        None => (address, ""),
    };
    let (scheme, rest) = told.find("://").map_or(("", told), |at| told.split_at(at + 3));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = match authority.rsplit_once('@') {
        Some((user, host)) if !scheme.is_empty() || user.contains(':') => host,
        _ => authority,
    };
    let steady: Vec<_> = host.split(':').filter(|part| !is_pointer(part)).collect();
    format!("{scheme}{}{path}{hidden}", steady.join(":"))
}

fn is_pointer(text: &str) -> bool {
    text.strip_prefix("0x")
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::{address, type_name};

    #[test]
    fn an_address_keeps_what_is_neither_secret_nor_fleeting() {
        let cases = [
            ("amqp://cat:hunter2@broker:5672/shop/orders", "amqp://broker:5672/shop/orders"),
            ("https://a@b:hunter2@host/feed?token=hunter2", "https://host/feed?.."),
            ("https://host/feed?~3f2a", "https://host/feed?.."),
            ("https://host/@cats", "https://host/@cats"),
            ("memory:0x55d0c0ffee10/orders", "memory/orders"),
            ("sqs:eu-west-1:0x55d0c0ffee10/cats", "sqs:eu-west-1/cats"),
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
            assert_eq!(address(given), told, "{given}");
        }
    }

    #[test]
    fn a_type_has_its_last_name() {
        let cases = [
            ("events::sink::built_in::Echo<std::io::stdio::Stdout>", "Echo"),
            ("app::main::{{closure}}", "closure"),
            ("app::post", "post"),
            ("u8", "u8"),
        ];
        for (given, told) in cases {
            assert_eq!(type_name(given), told, "{given}");
        }
    }
}
