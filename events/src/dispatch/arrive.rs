//! Events that arrive from elsewhere.

use super::DispatchError;
use super::accept::{Accepted, Brought};
use super::named::{decode_as, subject_of};
use crate::context::Ambient;
use crate::envelope::Arriving;
use crate::registry::Named;
use crate::values::Values;

/// Accepts the event of a message, as one that was dispatched by its name, for what that stands for, with the identity that it
/// has brought along. What its `now` handlers dispatch goes to the lifespan.
pub(crate) fn arrive(
    ambient: &Ambient,
    named: Option<Named>,
    arriving: &mut Arriving<'_>,
    values: Values<'_>,
) -> Result<Accepted, DispatchError> {
    let Arriving { name, payload, beside } = arriving;
    let version = beside.version;
    decode_as(named, name, version, payload, |named, payload| {
        let brought = Brought { beside, values, is_prepared: false };
        ambient.accept_from(subject_of(ambient.lifespan(), named, name), payload, Some(brought))
    })
}
