//! Media types, as far as formats ask about them.

pub(crate) const JSON: &str = "application/json";

pub(crate) const CLOUD_EVENT: &str = "application/cloudevents+json";

/// What RFC 2046 calls bytes of which nothing is known.
pub(crate) const UNKNOWN: &str = "application/octet-stream";

/// Whether the payload is JSON: `*/json` and `*/*+json`, whatever the parameters say.
pub(crate) fn is_json(media_type: &str) -> bool {
    let subtype = bare(media_type).split_once('/').map_or("", |(_, subtype)| subtype);
    subtype.eq_ignore_ascii_case("json") || ends_with(subtype, "+json")
}

/// The kind of event that a media type announces: what is behind `application/cloudevents`.
pub(crate) fn cloud_events(media_type: &str) -> Option<&str> {
    const PREFIX: &str = "application/cloudevents";
    let (head, rest) = bare(media_type).split_at_checked(PREFIX.len())?;
    head.eq_ignore_ascii_case(PREFIX).then_some(rest)
}

/// Whether a text has the form of a media type at all.
pub(crate) fn is_media_type(text: &str) -> bool {
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(is_token_byte);
    bare(text).split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// Without parameters.
fn bare(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim_ascii()
}

fn ends_with(text: &str, end: &str) -> bool {
    let at = text.len().checked_sub(end.len());
    at.and_then(|at| text.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// RFC 2045, section 5.1.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte)
}
