//! What a client prefers: RFC 7240.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// For how long a client would wait for the outcome: the first `wait` of its headers `prefer`, if that is a number.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let seconds = values.flat_map(|value| split(value, ',')).find_map(seconds)?;
    let is_number = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    // A number that is too large is longer than any bound.
    is_number.then(|| Duration::from_secs(seconds.parse().unwrap_or(u64::MAX)))
}

/// The value of a preference that is `wait`, without what is behind it.
fn seconds(preference: &str) -> Option<&str> {
    let preference = split(preference, ';').next()?;
    let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
    let value = value.trim_ascii();
    let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    name.trim_ascii().eq_ignore_ascii_case("wait").then_some(bare)
}

/// The parts of a text, where separators in quotes separate nothing.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ => return c == separator && !quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::{PREFER, wait};
    use http::HeaderMap;

    #[test]
    fn the_first_wait_counts() {
        for (values, seconds) in [
            (&["wait=10"][..], Some(10)),
            (&["respond-async, WAIT = \"3\" ; x=1, wait=7"], Some(3)),
            (&["return=minimal", "wait=0"], Some(0)),
            (&["note=\"a, wait=9 \\\" , wait=8\", wait=2"], Some(2)),
            (&["wait=99999999999999999999"], Some(u64::MAX)),
            (&["wait"], None),
            (&["wait=-1, wait=5"], None),
            (&["wait=1.5"], None),
            (&["waiting=5"], None),
            (&[], None),
        ] {
            let headers: HeaderMap = values.iter().map(|value| (PREFER, value.parse().expect("a value"))).collect();
            assert_eq!(wait(&headers).map(|wait| wait.as_secs()), seconds, "{values:?}");
        }
    }
}
