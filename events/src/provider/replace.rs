//! What stands in for providers, in tests mostly.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{ProviderDecl, Value};
use crate::context::Dependency;
use crate::failure::{FailureCause, panic_text};

/// The providers of a lifespan that others stand in for.
#[derive(Debug, Default)]
pub(crate) struct Replacements(Vec<(&'static ProviderDecl, Replacement)>);

/// What stands in for a provider.
pub(crate) enum Replacement {
    /// One value for all calls.
    Value(Value),
    /// A value for each time that one is made.
    Make(Box<dyn Fn() -> Value + Send + Sync>),
}

impl Replacement {
    pub(super) fn make(&self) -> Result<Value, FailureCause> {
        match self {
            Self::Value(value) => Ok(Arc::clone(value)),
            Self::Make(make) => {
                catch_unwind(AssertUnwindSafe(make)).map_err(|panic| FailureCause::Panic(panic_text(&*panic)))
            }
        }
    }

    /// Whether what it answers can be taken by value.
    pub(crate) fn is_new_each_time(&self) -> bool {
        matches!(self, Self::Make(_))
    }
}

impl Replacements {
    /// Adds one; a later one takes the place of an earlier one.
    pub(crate) fn add(&mut self, provider: &'static ProviderDecl, replacement: Replacement) {
        self.0.retain(|(known, _)| !known.is(provider));
        self.0.push((provider, replacement));
    }

    /// What a provider depends on: nothing, where another stands in for it.
    pub(crate) fn dependencies(&self, provider: &ProviderDecl) -> impl Iterator<Item = Dependency> + use<> {
        let depends = if self.of(provider).is_some() { Vec::new() } else { provider.signature().depends };
        depends.into_iter()
    }

    pub(crate) fn providers(&self) -> impl Iterator<Item = &'static ProviderDecl> {
        self.0.iter().map(|(provider, _)| *provider)
    }

    pub(crate) fn of(&self, provider: &ProviderDecl) -> Option<&Replacement> {
        self.0.iter().find(|(known, _)| known.is(provider)).map(|(_, replacement)| replacement)
    }
}

impl fmt::Debug for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_new_each_time() { "Make" } else { "Value" })
    }
}
