//! Events that arrive from elsewhere.

use std::sync::Arc;

use super::DispatchError;
use super::accept::{Accepted, Arrived};
use super::named::decode;
use crate::any::{Payload, Subject};
use crate::context::Ambient;
use crate::envelope::Envelope;
use crate::lifespan::Lifespan;
use crate::registry::Named;
use crate::scope::ScopeQueue;

/// Accepts the event of a message, as one that was dispatched by its name, with the identity that it has brought along.
pub(crate) fn arrive(
    lifespan: &Lifespan,
    scope: &Arc<ScopeQueue>,
    envelope: &Envelope,
) -> Result<Accepted, DispatchError> {
    let (subject, mut payload) = read(lifespan, envelope)?;
    let ambient = Ambient { scope: Some(Arc::clone(scope)), ..Ambient::of(lifespan.clone()) };
    ambient.accept_from(subject, &mut *payload, Some(Arrived { envelope, is_prepared: false }))
}

/// What a message says that there is to dispatch.
pub(super) fn read(lifespan: &Lifespan, envelope: &Envelope) -> Result<(Subject, Box<dyn Payload>), DispatchError> {
    let (named, payload) = decode(envelope.name(), envelope.version(), envelope.payload())?;
    let subject = match named {
        Some(Named { decl, variant }) => Subject::Declared { decl, variant },
        None => {
            let name = envelope.name();
            Subject::Unknown { name: name.into(), route: lifespan.core().routes.unknown(name) }
        }
    };
    Ok((subject, payload))
}
