//! Events that are dispatched where there is no lifespan: refused, or, where the environment disables dispatch, checked and
//! dropped.

use super::DispatchError;
use super::accept::{Accepted, check_rules};
use super::error::shortened;
use super::named::decode;
use crate::any::{Payload, Subject};
use crate::lifespan::environment_disables;
use crate::registry::Named;
use crate::telemetry::Meters;

/// Refuses an event, unless the environment disables dispatch.
fn permit(event: Box<str>) -> Result<(), DispatchError> {
    if environment_disables() { Ok(()) } else { Err(DispatchError::NoLifespan { event }).inspect_err(Meters::refused) }
}

pub(super) fn check(subject: &Subject, payload: &dyn Payload) -> Result<(), DispatchError> {
    permit(subject.name().into())?;
    check_rules(subject, payload).inspect_err(Meters::refused)
}

pub(super) fn check_named(name: &str, version: Option<u32>, json: &[u8]) -> Result<(), DispatchError> {
    permit(shortened(name))?;
    let checked = decode(name, version, json, &mut |named, payload| {
        let subject = named.map(|Named { decl, variant }| Subject::Declared { decl, variant });
        subject.map_or(Ok(()), |subject| check_rules(&subject, payload)).map(|()| Accepted::default())
    });
    checked.map(drop).inspect_err(Meters::refused)
}
