//! What is checked before a lifespan starts, and how it is told.

use std::fmt;
use std::sync::Arc;

use super::choice::Named;
use super::core::StateMap;
use crate::context::{Dependency, Signature};
use crate::error::BoxError;
use crate::event::EventDecl;
use crate::failure::Failure;
use crate::format;
use crate::place::{Place, Site};
use crate::provider::{ProviderDecl, ProviderError, Replacements};
use crate::registry::{Duplicate, Registry};
use crate::sink::Outlet;
use crate::source::Inlet;
use crate::telemetry::public;

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

    pub(super) fn of_provider(error: &BoxError) -> Self {
        let places = error.downcast_ref::<ProviderError>().map(ProviderError::place).into_iter().collect();
        Self { message: error.to_string(), places }
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

/// Sources that read from one address.
pub(super) fn same_address(inlets: &[Arc<Inlet>]) -> Vec<StartFinding> {
    let second = |(index, inlet): (usize, &Arc<Inlet>)| {
        let first = inlets[..index].iter().find(|first| first.address == inlet.address)?;
        let message = format!(
            "two sources read from `{}`, and would take each other's messages: keep one",
            public(&inlet.address)
        );
        Some(StartFinding::new(message).at(first.site.place).at(inlet.site.place))
    };
    inlets.iter().enumerate().filter_map(second).collect()
}

/// Sinks that keep events from handlers, also those that come from where the sink sends to: nobody would get these.
pub(super) fn only_back(outlets: &[Outlet], inlets: &[Arc<Inlet>], registry: &Registry) -> Vec<StartFinding> {
    let declared = || registry.events.iter().flat_map(|decl| decl.names.iter().copied());
    let finding = |outlet: &Outlet| {
        let taken = || declared().filter(|name| outlet.takes_name(name));
        let keeps = |inlet: &Inlet| match taken().next() {
            Some(_) => taken().any(|name| outlet.keeps_all(name, &inlet.address)),
            // What has no type may have the pattern for a name, or one that is much like it.
            None => outlet.keeps_all(&outlet.pattern, &inlet.address),
        };
        let inlet = inlets.iter().find(|inlet| keeps(inlet))?;
        let address = public(&inlet.address);
        let message = format!(
            "`{}` goes only to `{address}`, which is read here: nobody would get what comes from there, neither a handler \
             nor the sink: leave out `only`, or have another lifespan send or read",
            outlet.pattern
        );
        Some(StartFinding::new(message).at(outlet.site.place).at(inlet.site.place))
    };
    outlets.iter().filter_map(finding).collect()
}

/// An origin that no envelope can have.
pub(super) fn origin(origin: &str) -> Option<StartFinding> {
    if origin.is_empty() {
        return Some(StartFinding::new("the origin is empty: leave it out, or say where the events come from"));
    }
    format::check_origin(origin).err().map(|error| StartFinding::new(error.to_string()))
}

/// Events that a sink would get, and that cannot leave the process.
pub(super) fn unsendable(outlet: &Outlet, registry: &Registry) -> Vec<StartFinding> {
    let silent = registry.events.iter().filter(|decl| decl.serialize.is_none());
    let named = silent.flat_map(|decl| decl.names.iter().map(move |name| (decl, name)));
    let finding = |decl: &EventDecl, name: &str| {
        let message = format!(
            "the sink of `{}` would get `{name}`, which has no JSON: derive `serde::Serialize` for `{}`",
            outlet.pattern,
            decl.path()
        );
        StartFinding::new(message).at(outlet.site.place).at(decl.place)
    };
    named.filter(|(_, name)| outlet.takes_name(name)).map(|(decl, name)| finding(decl, name)).collect()
}

/// State that a function asks for, and that the lifespan does not have.
pub(super) fn missing_state(what: &str, site: Site, signature: &Signature, state: &StateMap) -> Vec<StartFinding> {
    let missing = signature.state.iter().filter(|needed| !state.contains_key(&needed.id));
    let message = |type_name| {
        format!(
            "{what} `{}` asks for `State<{type_name}>`, which the lifespan does not have: give it to `Lifespan::builder().state(..)`",
            site.path()
        )
    };
    missing.map(|needed| StartFinding::new(message(needed.name)).at(site.place)).collect()
}

/// What a call takes by value, although others in it take it too, or although one value is there for all calls.
pub(super) fn taken(site: Site, mut uses: Vec<Dependency>, replacements: &Replacements) -> Vec<StartFinding> {
    let mut seen: Vec<&ProviderDecl> = Vec::new();
    let mut next = 0;
    while let Some(&Dependency { provider, .. }) = uses.get(next) {
        next += 1;
        if !seen.iter().any(|known| known.is(provider)) {
            seen.push(provider);
            uses.extend(replacements.dependencies(provider));
        }
    }
    let taken = seen.into_iter().filter_map(|provider| {
        let of_it = || uses.iter().filter(|dependency| dependency.provider.is(provider));
        let reason = if of_it().all(|dependency| dependency.shared) {
            return None;
        } else if replacements.of(provider).is_some_and(|replacement| !replacement.is_new_each_time()) {
            "which one value stands in for: use `replace_with`"
        } else if of_it().count() > 1 {
            "which is asked for twice in the call: take a reference everywhere"
        } else {
            return None;
        };
        let (path, provider) = (site.path(), provider.site.path());
        let message = format!("a call of `{path}` takes what `{provider}` makes by value, {reason}");
        Some(StartFinding::new(message).at(site.place))
    });
    taken.collect()
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

/// Values that the builder was given as functions, and that are none of the declared ones.
pub(super) fn not_declared<'a>(
    given: impl Iterator<Item = &'a Named>,
    exists: impl Fn(&Named) -> bool,
) -> impl Iterator<Item = StartFinding> {
    let message = |type_name| {
        format!(
            "`with` was given `{type_name}`, which is no function under `#[on]` or `#[every]`: give it the name of one"
        )
    };
    given
        .filter(move |named| !exists(named))
        .map(move |named| StartFinding::new(message(named.type_name)).at(named.place))
}
