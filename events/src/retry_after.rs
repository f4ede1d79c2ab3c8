//! When to come again: RFC 9110, section 10.2.3.

use std::time::{Duration, SystemTime};

use http::header::{HeaderMap, RETRY_AFTER};

/// How long an answer asks to wait, where it does: in seconds, or until a date. A date that has been is no wait.
pub(crate) fn read(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim_ascii();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that is too large is longer than any bound.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    Some(until.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read() {
        let read = |text: &str| read(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().expect("a value"))]));
        for (text, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999999999999", Some(u64::MAX)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
        ] {
            assert_eq!(read(text).map(|pause| pause.as_secs()), seconds, "{text}");
        }
        let in_an_hour = read(&httpdate::fmt_http_date(SystemTime::now() + Duration::from_hours(1)));
        let in_an_hour = in_an_hour.expect("a date").as_secs();
        assert!((3000..=3600).contains(&in_an_hour), "{in_an_hour}");
    }
}
