//! The spans of what leaves, and the traces that go along.

use tracing::Span;

use super::messaging::{Identity, Operation, described};
use super::{Destination, Trace, spans};
use crate::envelope::Envelope;

/// The span of an attempt to send events to a sink. At the first attempt each event is given the trace that it leaves in: that
/// of the span, if it leaves alone, or else of a span of its own.
pub(crate) fn sending(
    sink: &str,
    destination: impl Fn(&Envelope) -> Destination,
    envelopes: &mut [Envelope],
    attempt: u32,
) -> Span {
    let span = spans::send(sink, envelopes.len(), attempt);
    if span.is_disabled() || cfg!(not(feature = "otel")) {
        return span;
    }
    match envelopes {
        [only] if attempt == 1 => {
            only.trace().adopt(&span);
            described(&span, Operation::SendOne, || destination(only), &identity(only));
            only.set_trace(&Trace::of(&span));
        }
        all => {
            if attempt == 1 {
                for envelope in &mut *all {
                    create(&destination, envelope);
                }
            }
            for envelope in &*all {
                envelope.trace().link(&span);
            }
            described(&span, Operation::Send(all.len()), || common(&destination, all), &Identity::default());
        }
    }
    span
}

/// Gives an event that is sent with others a span of its own.
fn create(destination: impl Fn(&Envelope) -> Destination, envelope: &mut Envelope) {
    let span = spans::create(envelope.name());
    envelope.trace().adopt(&span);
    described(&span, Operation::Create, || destination(envelope), &identity(envelope));
    envelope.set_trace(&Trace::of(&span));
}

/// Where all of them go, without what is said of one, and without the name where that differs.
fn common(destination: impl Fn(&Envelope) -> Destination, envelopes: &[Envelope]) -> Destination {
    let mut all = envelopes.iter().map(destination);
    let first = all.next().unwrap_or_default().of_all();
    if all.all(|other| other.name() == first.name()) { first } else { first.unnamed() }
}

fn identity(envelope: &Envelope) -> Identity<'_> {
    Identity { id: Some(envelope.id()), correlation: Some(envelope.correlation()) }
}
