//! What a format has found in a message: an event for this process, or an envelope for whoever asks.

use std::borrow::Cow;

use super::attributes::{Attributes, check_media_type};
use super::{FormatError, media};
use crate::envelope::{Arriving, Envelope};

pub(super) struct Parts<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) media_type: Cow<'a, str>,
    pub(super) payload: Cow<'a, [u8]>,
    pub(super) attributes: Attributes<'a>,
}

impl<'a> Parts<'a> {
    /// What this process needs. JSON without a byte is an event without a payload.
    pub(super) fn arriving(self) -> Result<Arriving<'a>, FormatError> {
        let Self { name, media_type, payload, attributes } = self;
        arriving(name, &media_type, payload, &attributes)
    }

    /// All that was said.
    pub(super) fn envelope(self) -> Result<Envelope, FormatError> {
        let Self { name, media_type, payload, attributes } = self;
        let mut envelope =
            arriving(name, &media_type, payload, &attributes)?.into_envelope().with_content_type(&media_type);
        if let Some(origin) = attributes.get("source") {
            envelope = envelope.with_origin(origin);
        }
        match attributes.get("traceparent") {
            Some(parent) => Ok(envelope.with_trace(parent, attributes.get("tracestate"))),
            None => Ok(envelope),
        }
    }
}

fn arriving<'a>(
    name: Cow<'a, str>,
    media_type: &str,
    payload: Cow<'a, [u8]>,
    attributes: &Attributes<'_>,
) -> Result<Arriving<'a>, FormatError> {
    check_media_type(media_type)?;
    let is_absent = payload.is_empty() && media::is_json(media_type);
    let payload = if is_absent { Cow::Borrowed(b"null".as_slice()) } else { payload };
    Ok(Arriving { name, payload, beside: attributes.beside()? })
}
