//! Events that arrive from elsewhere.

use super::DispatchError;
use super::accept::{Accepted, Brought};
use super::named::{decode, subject_of};
use crate::context::Ambient;
use crate::envelope::Arriving;
use crate::lifespan::Lifespan;
use crate::values::Values;

/// Accepts the event of a message, as one that was dispatched by its name, with the identity that it has brought along. What
/// its `now` handlers dispatch goes to the lifespan.
pub(crate) fn arrive(
    lifespan: &Lifespan,
    arriving: &Arriving<'_>,
    values: Values<'_>,
) -> Result<Accepted, DispatchError> {
    let ambient = Ambient::of(lifespan.clone());
    let Arriving { name, payload, beside } = arriving;
    let brought = Brought { beside, values, is_prepared: false };
    decode(name, beside.version, payload, &mut |named, payload| {
        ambient.accept_from(subject_of(lifespan, named, name), payload, Some(&brought))
    })
}
