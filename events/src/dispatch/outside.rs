//! Events that are dispatched where there is no lifespan: refused, or, where the environment disables dispatch, checked and
//! dropped.

use super::DispatchError;
use super::accept::{Accepted, check_rules};
use super::error::shortened;
use super::named::decode;
use crate::any::Loose;
use crate::event::Event;
use crate::lifespan::environment_disables;
use crate::registry::Named;
use crate::telemetry::Meters;

/// Refuses an event, unless the environment disables dispatch.
pub(super) fn permit(event: Box<str>) -> Result<(), DispatchError> {
    if environment_disables() { Ok(()) } else { Err(DispatchError::NoLifespan { event }).inspect_err(Meters::refused) }
}

pub(super) fn check<E: Event>(event: E) -> Result<(), DispatchError> {
    permit(event.name().into())?;
    let named = Named { decl: E::__declaration(), variant: event.__variant() };
    check_rules(named, &Loose::new(event)).inspect_err(Meters::refused)
}

pub(super) fn check_named(name: &str, version: Option<u32>, json: &[u8]) -> Result<(), DispatchError> {
    permit(shortened(name))?;
    let checked = decode(name, version, json, &mut |named, payload| {
        named.map_or(Ok(()), |named| check_rules(named, payload)).map(|()| Accepted::default())
    });
    checked.map(drop).inspect_err(Meters::refused)
}
