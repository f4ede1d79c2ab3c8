//! Headers of HTTP as those of messages, and back.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

use super::problem::Refusal;
use crate::wire::shown;

/// What the headers of `CloudEvents` begin with.
const PREFIX: &str = "ce-";

/// What is not written as it is: the HTTP binding of `CloudEvents`, section 3.1.3.2.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// What proves who sent a request, which is nobody's business behind the layer that asks for it.
const SECRET: [HeaderName; 3] = [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE];

/// Whether a header is an attribute of a `CloudEvent`.
pub(super) fn is_attribute(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|head| head.eq_ignore_ascii_case(PREFIX))
}

/// The headers of a request as texts, without those that are secret.
pub(super) fn read(headers: &HeaderMap) -> Result<Vec<(String, String)>, Refusal> {
    let mut texts = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        if *name == CONTENT_TYPE || SECRET.contains(name) || value.is_sensitive() {
            continue;
        }
        let text = if is_attribute(name.as_str()) {
            decoded(value.as_bytes()).ok_or_else(|| {
                Refusal::malformed(format!("header `{}` is not UTF-8 behind its percents", shown(name.as_str())))
            })?
        } else {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        texts.push((name.as_str().to_owned(), text));
    }
    Ok(texts)
}

/// The text of an attribute: without its quotes, then without its percents.
fn decoded(value: &[u8]) -> Option<String> {
    percent_decode(&unquoted(value)).decode_utf8().ok().map(Cow::into_owned)
}

/// What stands in a quoted string of RFC 9110, section 5.6.4; anything else as it is.
fn unquoted(value: &[u8]) -> Cow<'_, [u8]> {
    let [b'"', inner @ .., b'"'] = value else { return value.into() };
    let mut escaped = false;
    let kept = inner.iter().copied().filter(|byte| {
        escaped = *byte == b'\\' && !escaped;
        !escaped
    });
    Cow::Owned(kept.collect())
}

/// The header of a message as one of a request.
pub(super) fn write(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let written: HeaderName = name.parse().map_err(|_| format!("`{}` is no name of a header of HTTP", shown(name)))?;
    let encoded = if is_attribute(name) { utf8_percent_encode(value, ENCODED).into() } else { Cow::Borrowed(value) };
    match HeaderValue::from_bytes(encoded.as_bytes()) {
        Ok(value) => Ok((written, value)),
        Err(_) => Err(format!("header `{}` has control characters", shown(name))),
    }
}

#[cfg(test)]
mod tests {
    use super::{decoded, write};

    fn encoded(text: &str) -> String {
        let (_, value) = write("ce-subject", text).expect("a header");
        value.to_str().expect("ASCII").to_owned()
    }

    #[test]
    fn attributes_are_written_as_the_binding_says() {
        for (text, written) in [
            ("Euro \"€\" 😀", "Euro%20%22%E2%82%AC%22%20%F0%9F%98%80"),
            ("100%", "100%25"),
            ("a/b?c=d&e#~!", "a/b?c=d&e#~!"),
            ("\u{7f}\n", "%7F%0A"),
        ] {
            assert_eq!(encoded(text), written);
            assert_eq!(decoded(written.as_bytes()).as_deref(), Some(text));
        }
    }

    #[test]
    fn attributes_are_read_as_the_binding_says() {
        for (written, text) in [
            (&b"\"a \\\"b\\\" \\\\ %41\""[..], Some("a \"b\" \\ A")),
            (b"%41%2541%4", Some("A%41%4")),
            ("roh €".as_bytes(), Some("roh €")),
            (b"\"", Some("\"")),
            (b"\"\"", Some("")),
            (b"%C0%A0", None),
            (b"\xff", None),
        ] {
            assert_eq!(decoded(written).as_deref(), text, "{written:?}");
        }
    }

    #[test]
    fn other_headers_are_written_as_they_are() {
        let (name, value) = write("X-Note", "50% ö").expect("a header");
        assert_eq!((name.as_str(), value.as_bytes()), ("x-note", "50% ö".as_bytes()));
        assert!(write("x-note", "two\nlines").is_err());
        assert!(write("x note", "").is_err());
    }
}
