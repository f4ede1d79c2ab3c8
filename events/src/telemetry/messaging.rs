//! What OpenTelemetry's conventions for messaging want to know of a span. Without the feature `otel` nothing is left of it.
//!
//! The conventions are those of version 1.44, in development:
//! <https://github.com/open-telemetry/semantic-conventions/tree/main/docs/messaging>.

#[cfg(all(feature = "sqs", not(feature = "otel")))]
pub(crate) use absent::counted;
#[cfg(not(feature = "otel"))]
pub(crate) use absent::described;
#[cfg(all(feature = "sqs", feature = "otel"))]
pub(crate) use present::counted;
#[cfg(feature = "otel")]
pub(crate) use present::described;

use crate::source::Settlement;

/// What is done with messages.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "otel"), allow(dead_code, reason = "traces alone tell of it"))]
pub(crate) enum Operation {
    /// So many are sent that have been made before.
    Send(usize),
    /// One is sent, and this is its span.
    SendOne,
    /// One is made that is sent with others.
    Create,
    #[cfg(feature = "sqs")]
    Receive,
    Process,
    Settle(Settlement),
}

/// What one message is known by.
#[derive(Debug, Default)]
#[cfg_attr(not(feature = "otel"), allow(dead_code, reason = "traces alone tell of it"))]
pub(crate) struct Identity<'a> {
    pub(crate) id: Option<&'a crate::EventId>,
    pub(crate) correlation: Option<&'a crate::EventId>,
}

#[cfg(not(feature = "otel"))]
mod absent {
    use tracing::Span;

    use super::{Identity, Operation};
    use crate::telemetry::Destination;

    pub(crate) fn described(_: &Span, _: Operation, _: impl FnOnce() -> Destination, _: &Identity<'_>) {}

    #[cfg(feature = "sqs")]
    pub(crate) fn counted(_: &Span, _messages: usize) {}
}

#[cfg(feature = "otel")]
mod present {
    use tracing::Span;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    use super::{Identity, Operation};
    use crate::metadata::EventId;
    use crate::telemetry::Destination;

    impl Operation {
        fn kind(self) -> &'static str {
            match self {
                Self::SendOne | Self::Create => "producer",
                Self::Process => "consumer",
                _ => "client",
            }
        }

        fn operation(self) -> &'static str {
            match self {
                Self::Send(_) | Self::SendOne => "send",
                Self::Create => "create",
                #[cfg(feature = "sqs")]
                Self::Receive => "receive",
                Self::Process => "process",
                Self::Settle(_) => "settle",
            }
        }

        /// The word of the system.
        fn verb(self, destination: &Destination) -> &'static str {
            match self {
                Self::Send(_) | Self::SendOne => destination.verb(),
                Self::Settle(settlement) => destination.settling(settlement),
                other => other.operation(),
            }
        }
    }

    /// Gives a span that nobody has entered yet its name, its kind and its attributes, which samplers look at.
    pub(crate) fn described(
        span: &Span,
        operation: Operation,
        destination: impl FnOnce() -> Destination,
        identity: &Identity<'_>,
    ) {
        if span.is_disabled() {
            return;
        }
        let destination = destination();
        let verb = operation.verb(&destination);
        span.record("otel.kind", operation.kind());
        match destination.template().or(destination.name()) {
            Some(name) => span.record("otel.name", format!("{verb} {name}")),
            None => span.record("otel.name", verb),
        };
        span.set_attribute("messaging.system", destination.system().to_owned());
        span.set_attribute("messaging.operation.name", verb);
        span.set_attribute("messaging.operation.type", operation.operation());
        if let Operation::Send(count @ 2..) = operation {
            counted(span, count);
        }
        for (attribute, value) in [
            ("messaging.destination.name", destination.name().map(ToOwned::to_owned)),
            ("messaging.destination.template", destination.template().map(ToOwned::to_owned)),
            ("messaging.destination.subscription.name", destination.subscription().map(ToOwned::to_owned)),
            ("messaging.message.id", text(identity.id)),
            ("messaging.message.conversation_id", text(identity.correlation)),
        ] {
            if let Some(value) = value {
                span.set_attribute(attribute, value);
            }
        }
        if let Some((host, port)) = destination.server() {
            span.set_attribute("server.address", host.to_owned());
            span.set_attribute("server.port", i64::from(port));
        }
        for (attribute, value) in destination.attributes() {
            span.set_attribute(attribute, value.to_owned());
        }
    }

    fn text(id: Option<&EventId>) -> Option<String> {
        id.filter(|id| !id.is_empty()).map(ToString::to_string)
    }

    /// Says how many messages an operation was about that can be about many.
    pub(crate) fn counted(span: &Span, messages: usize) {
        span.set_attribute("messaging.batch.message_count", i64::try_from(messages).unwrap_or(i64::MAX));
    }
}
