//! Events that arrive from elsewhere.

use std::sync::Arc;

use super::DispatchError;
use super::accept::Accepted;
use super::named::{decode, subject_of};
use crate::context::Ambient;
use crate::envelope::Envelope;
use crate::lifespan::Lifespan;
use crate::scope::ScopeQueue;

/// Accepts the event of a message, as one that was dispatched by its name, with the identity that it has brought along.
pub(crate) fn arrive(
    lifespan: &Lifespan,
    scope: &Arc<ScopeQueue>,
    envelope: &Envelope,
) -> Result<Accepted, DispatchError> {
    let ambient = Ambient { scope: Some(Arc::clone(scope)), ..Ambient::of(lifespan.clone()) };
    decode(envelope.name(), envelope.version(), envelope.payload(), &mut |named, payload| {
        ambient.accept_from(subject_of(lifespan, named, envelope.name()), payload, Some(envelope))
    })
}
