//! What is checked before a lifespan starts, and how it is told.

use std::fmt;

use super::core::StateMap;
use crate::failure::Failure;
use crate::handler::HandlerDecl;
use crate::place::Place;
use crate::registry::{Duplicate, Registry};

/// Why a lifespan did not start: everything that is wrong, in one error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError {
    findings: Vec<StartFinding>,
}

impl StartError {
    pub(super) fn new(findings: Vec<StartFinding>) -> Self {
        Self { findings }
    }

    /// What is wrong, one entry for each mistake.
    pub fn findings(&self) -> &[StartFinding] {
        &self.findings
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lifespan cannot start:")?;
        for finding in &self.findings {
            write!(f, "\n  - {finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for StartError {}

/// One mistake that keeps a lifespan from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFinding {
    message: String,
    places: Vec<Place>,
}

impl StartFinding {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), places: Vec::new() }
    }

    fn at(mut self, place: Place) -> Self {
        self.places.push(place);
        self
    }

    pub(super) fn of_failure(failure: &Failure) -> Self {
        let message = format!("startup hook `{}` failed: {}", failure.handler(), failure.cause());
        Self::new(message).at(failure.place())
    }

    fn of_duplicate(duplicate: &Duplicate) -> Self {
        let Duplicate { name, first, second } = duplicate;
        let message = format!(
            "two types have the event name `{name}`: `{}` and `{}`; rename one with `#[event(name = \"..\")]`",
            first.path(),
            second.path()
        );
        Self::new(message).at(first.place).at(second.place)
    }

    /// What is wrong, and what to do about it.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where in the source it is.
    pub fn places(&self) -> &[Place] {
        &self.places
    }
}

impl fmt::Display for StartFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for (i, place) in self.places.iter().enumerate() {
            f.write_str(if i == 0 { " (" } else { " and " })?;
            write!(f, "{place}")?;
        }
        if self.places.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

/// Names that two types claim.
pub(super) fn duplicates(registry: &Registry) -> impl Iterator<Item = StartFinding> {
    registry.duplicates.iter().map(StartFinding::of_duplicate)
}

/// State that a function asks for, and that the lifespan does not have.
pub(super) fn missing_state<'a>(
    functions: impl Iterator<Item = &'a HandlerDecl>,
    state: &StateMap,
) -> Vec<StartFinding> {
    let mut missing = Vec::new();
    for function in functions {
        for needed in function.signature().state.iter().filter(|needed| !state.contains_key(&needed.id)) {
            let message = format!(
                "handler `{}` asks for `State<{}>`, which the lifespan does not have: give it to `Lifespan::builder().state(..)`",
                function.site.path(),
                needed.name
            );
            missing.push(StartFinding::new(message).at(function.site.place));
        }
    }
    missing
}

/// Functions and groups that the builder names, and that this binary does not have.
pub(super) fn unknown<'a>(
    what: &str,
    named: impl Iterator<Item = &'a String>,
    exists: impl Fn(&str) -> bool,
) -> Vec<StartFinding> {
    let missing = named.filter(|name| !exists(name));
    let message = |name| {
        format!("the builder names the {what} `{name}`, which this binary does not have: see `events::catalog()`")
    };
    missing.map(|name| StartFinding::new(message(name))).collect()
}
