//! What is written into a stream.

use axum::body::Bytes;

/// Keeps a stream alive.
pub(super) const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// What readers are told who have missed events.
pub(super) const LOST: &str = "events-lost";

/// An event, as it stands in a stream. Of the name and the `id`, nothing but the first line is written.
pub(super) fn event(name: &str, id: Option<&str>, data: &str) -> Bytes {
    let mut text = String::with_capacity(name.len() + data.len() + 64);
    field(&mut text, "event", first_line(name));
    if let Some(id) = id {
        field(&mut text, "id", first_line(id));
    }
    let mut rest = data;
    while let Some(at) = rest.find(['\r', '\n']) {
        field(&mut text, "data", &rest[..at]);
        let end = if rest[at..].starts_with("\r\n") { at + 2 } else { at + 1 };
        rest = &rest[end..];
    }
    field(&mut text, "data", rest);
    text.push('\n');
    text.into()
}

/// Says how long to wait before another connection.
pub(super) fn retry(milliseconds: u128) -> Bytes {
    format!("retry: {milliseconds}\n\n").into()
}

fn field(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push_str(": ");
    text.push_str(value);
    text.push('\n');
}

fn first_line(text: &str) -> &str {
    text.split(['\r', '\n', '\0']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sse::parser::{Frame, Parser};

    #[test]
    fn what_is_written_is_read_again() {
        for (data, read) in [
            ("", ""),
            ("1", "1"),
            (" 1", " 1"),
            ("{\n  \"a\": 1\n}", "{\n  \"a\": 1\n}"),
            ("a\r\nb\rc\n", "a\nb\nc\n"),
            ("\r\n", "\n"),
        ] {
            let text = event("cat-fed", Some("7\nevent: dog-fed"), data);
            let mut text = &text[..];
            let found = Parser::new(1000, "".into()).feed(&mut text);
            let Ok(Some(Frame::Event(block))) = found else { panic!("{found:?}") };
            assert_eq!((&*block.name, &*block.last_id, &*block.data), ("cat-fed", "7", read));
            assert!(text.is_empty());
        }
    }
}
