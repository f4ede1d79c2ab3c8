//! What is declared of one event, one function.

use std::ops::RangeInclusive;

use super::catalog;
use crate::event::{EventDecl, Variant};
use crate::handler::HandlerDecl;
use crate::place::Place;
use crate::provider::ProviderDecl;

/// An event of the catalog.
#[derive(Clone, Copy, Debug)]
pub struct EventInfo {
    pub(super) decl: &'static EventDecl,
    pub(super) variant: usize,
}

impl EventInfo {
    /// The event's name.
    pub fn name(&self) -> &'static str {
        self.decl.names[self.variant]
    }

    /// Other names under which payloads of it may arrive.
    pub fn aliases(&self) -> &'static [&'static str] {
        self.declared().aliases
    }

    /// The version of its type, and the oldest one that is read.
    pub fn versions(&self) -> RangeInclusive<u32> {
        let Variant { version, upgrades, .. } = self.declared();
        version.saturating_sub(u32::try_from(upgrades.len()).unwrap_or(u32::MAX))..=*version
    }

    #[cfg(feature = "schema")]
    pub(crate) fn decl(&self) -> &'static EventDecl {
        self.decl
    }

    pub(crate) fn declared(&self) -> &'static Variant {
        &self.decl.variants[self.variant]
    }

    /// The path of its type: `my_app::CatFed`.
    pub fn type_path(&self) -> String {
        self.decl.path()
    }

    /// Where the type is declared.
    pub fn place(&self) -> Place {
        self.decl.place
    }

    /// Whether payloads are validated: the type implements `Validate`.
    pub fn is_validated(&self) -> bool {
        self.decl.validate.is_some()
    }

    /// Whether payloads become JSON: the type implements `Serialize`.
    pub fn is_serializable(&self) -> bool {
        self.decl.serialize.is_some()
    }

    /// Whether the event can be dispatched by name: the type implements `Deserialize`.
    pub fn is_deserializable(&self) -> bool {
        self.decl.deserialize.is_some()
    }

    /// The other names, and the other versions, that payloads may have.
    pub(super) fn others(self) -> String {
        let versions = self.versions();
        let older = (*versions.start()..*versions.end()).map(|version| format!("version {version}"));
        self.aliases().iter().map(|&alias| alias.to_owned()).chain(older).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn abilities(self) -> String {
        let all = [
            (self.is_validated(), "validated"),
            (self.is_serializable(), "serialize"),
            (self.is_deserializable(), "deserialize"),
            (self.decl.schema.is_some(), "schema"),
        ];
        all.iter().filter(|(is, _)| *is).map(|(_, text)| *text).collect::<Vec<_>>().join(", ")
    }
}

/// A handler of the catalog.
#[derive(Clone, Copy, Debug)]
pub struct HandlerInfo {
    pub(super) decl: &'static HandlerDecl,
}

impl HandlerInfo {
    /// The path of its function: `my_app::billing::charge`.
    pub fn path(&self) -> String {
        self.decl.site.path()
    }

    /// Where its attribute stands.
    pub fn place(&self) -> Place {
        self.decl.site.place
    }

    /// Its patterns; none when it takes whatever its first parameter accepts.
    pub fn patterns(&self) -> &'static [&'static str] {
        self.decl.patterns
    }

    /// The type of its first parameter, as the source has it: `&CatFed`.
    pub fn payload(&self) -> &'static str {
        self.decl.payload
    }

    /// Its place among the handlers of one event: lower runs first.
    pub fn order(&self) -> i32 {
        self.decl.order
    }

    /// The group that it belongs to.
    pub fn group(&self) -> Option<&'static str> {
        self.decl.group
    }

    /// When it is called, where that is not for an event: `startup`, `shutdown`, `failure`, `every 5s`.
    pub fn moment(&self) -> Option<String> {
        self.decl.accepts.moment()
    }

    /// How it is called: `async`, `sync`, `blocking` or `now`.
    pub fn call(&self) -> &'static str {
        self.decl.call.keyword()
    }

    /// The names of the events that it emits by its signature, through what it returns or through `Emit`.
    pub fn emits(&self) -> Vec<&'static str> {
        self.decl.signature().emits.iter().flat_map(|decl| decl.names).copied().collect()
    }

    /// The paths of the providers that its parameters name, in their order.
    pub fn depends_on(&self) -> Vec<String> {
        self.decl.signature().provider_paths()
    }

    /// Names of other types' events that its patterns match as well, and that it does not receive.
    pub fn also_matches(&self) -> Vec<&'static str> {
        let Some(own) = self.decl.accepts.payload_type().filter(|_| !self.patterns().is_empty()) else {
            return Vec::new();
        };
        let others = catalog().events().filter(|event| event.decl.type_id != own.type_id);
        others.map(|event| event.name()).filter(|name| self.decl.takes_name(name)).collect()
    }
}

/// A provider of the catalog.
#[derive(Clone, Copy, Debug)]
pub struct ProviderInfo {
    pub(super) decl: &'static ProviderDecl,
}

impl ProviderInfo {
    /// The path of its function: `my_app::database`.
    pub fn path(&self) -> String {
        self.decl.site.path()
    }

    /// Where its attribute stands.
    pub fn place(&self) -> Place {
        self.decl.site.place
    }

    /// The type after its arrow, as the source has it: `Result<Pool, Error>`.
    pub fn value(&self) -> &'static str {
        self.decl.value
    }

    /// Whether its value is made once for each lifespan, and not for each call.
    pub fn is_lifespan(&self) -> bool {
        !self.decl.facts.per_call
    }

    /// The paths of the providers that its parameters name, in their order.
    pub fn depends_on(&self) -> Vec<String> {
        self.decl.signature().provider_paths()
    }
}
