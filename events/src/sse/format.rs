//! Events as browsers know them: a name, and data.

use crate::envelope::Envelope;
use crate::format::{Format, FormatError, Message};

pub(super) const EVENT: &str = "sse-event";
pub(super) const ID: &str = "sse-id";
pub(super) const ERROR: &str = "sse-error";
pub(super) const JSON: &str = "application/json";

/// The payload is the data, and the name and the identity stand beside it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain;

impl Format for Plain {
    fn encode(&self, envelope: &Envelope) -> Result<Message, FormatError> {
        let headers = vec![(EVENT.into(), envelope.name().into()), (ID.into(), envelope.id().to_string())];
        Ok(Message { content_type: Some(envelope.content_type().into()), headers, body: envelope.payload().to_vec() })
    }

    fn decode(&self, message: &Message) -> Result<Envelope, FormatError> {
        if let Some(error) = message.header(ERROR) {
            return Err(FormatError::new(error));
        }
        let name = message.header(EVENT).ok_or_else(|| FormatError::new("the message is no event of a stream"))?;
        let envelope = Envelope::new(name, message.body.clone());
        Ok(match message.header(ID) {
            Some(id) => envelope.with_id(id),
            None => envelope,
        })
    }
}
