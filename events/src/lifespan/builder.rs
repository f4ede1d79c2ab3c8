//! The beginning of a lifespan: what it is given, and what is checked before anything runs.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::Lifespan;
use super::core::{Core, Limits, StateMap};
use crate::place::Place;
use crate::registry::{Duplicate, Registry};
use crate::route::Routes;

const DEFAULT_MAX_HOPS: u32 = 64;
const DEFAULT_MAX_PENDING: usize = 65_536;

/// Describes a lifespan before it starts. Made by [`Lifespan::builder`].
#[must_use = "a builder does nothing until `start`"]
pub struct LifespanBuilder {
    state: StateMap,
    limits: Limits,
}

impl LifespanBuilder {
    pub(super) fn new() -> Self {
        let limits = Limits { max_hops: DEFAULT_MAX_HOPS, max_pending: DEFAULT_MAX_PENDING };
        Self { state: StateMap::new(), limits }
    }

    /// Gives the lifespan a value that handlers ask for as [`State<T>`](crate::State). One value for each type: a later one
    /// replaces an earlier one.
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.state.insert(TypeId::of::<T>(), Arc::new(value));
        self
    }

    /// How many handlers may stand between an event and the one that its chain began with. Past it, `dispatch` answers
    /// [`TooDeep`](crate::DispatchError::TooDeep). The default is 64.
    pub fn max_hops(mut self, hops: u32) -> Self {
        self.limits.max_hops = hops;
        self
    }

    /// How many events may wait for their delivery at a time, in all scopes and chains together. Past it, `dispatch` answers
    /// [`Full`](crate::DispatchError::Full). The default is 65,536.
    pub fn max_pending(mut self, events: usize) -> Self {
        self.limits.max_pending = events;
        self
    }

    /// Checks everything that this binary declares, and starts the lifespan on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// [`StartError`], with everything that was found.
    #[expect(clippy::unused_async, reason = "what a start awaits one day changes no caller")]
    pub async fn start(self) -> Result<Lifespan, StartError> {
        let registry = Registry::get();
        let mut findings: Vec<_> = registry.duplicates.iter().map(StartFinding::of_duplicate).collect();
        findings.extend(self.missing_state(registry));
        let runtime = match Handle::try_current() {
            Ok(runtime) if findings.is_empty() => runtime,
            Ok(_) => return Err(StartError { findings }),
            Err(_) => {
                findings.push(StartFinding::no_runtime());
                return Err(StartError { findings });
            }
        };
        let core = Core::new(runtime, Routes::new(registry), self.limits, self.state);
        Ok(Lifespan { core: Arc::new(core) })
    }

    fn missing_state(&self, registry: &Registry) -> Vec<StartFinding> {
        let mut missing = Vec::new();
        for handler in &registry.handlers {
            let needed = handler.signature().state;
            for state in needed.iter().filter(|state| !self.state.contains_key(&state.id)) {
                missing.push(StartFinding {
                    message: format!(
                        "handler `{}` asks for `State<{}>`, which the lifespan does not have: give it to `Lifespan::builder().state(..)`",
                        handler.path(),
                        state.name
                    ),
                    places: vec![handler.place],
                });
            }
        }
        missing
    }
}

impl fmt::Debug for LifespanBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LifespanBuilder").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Why a lifespan did not start: everything that is wrong, in one error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError {
    findings: Vec<StartFinding>,
}

impl StartError {
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
    fn of_duplicate(duplicate: &Duplicate) -> Self {
        let Duplicate { name, first, second } = duplicate;
        Self {
            message: format!(
                "two types have the event name `{name}`: `{}` and `{}`; rename one with `#[event(name = \"..\")]`",
                first.path(),
                second.path()
            ),
            places: vec![first.place, second.place],
        }
    }

    fn no_runtime() -> Self {
        Self { message: "there is no tokio runtime here: call `start` inside one".into(), places: Vec::new() }
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
