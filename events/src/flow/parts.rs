//! What a flow is drawn of: what is declared, or what a lifespan has of it and was given beside it.

use crate::context::Signature;
use crate::extract::Accepts;
use crate::handler::HandlerDecl;
use crate::place::Site;
use crate::provider::ProviderDecl;
use crate::registry::Registry;

/// What a flow is drawn of. It is small enough to be kept by every lifespan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    /// Handlers, hooks and periodic functions.
    pub(crate) functions: Vec<&'static HandlerDecl>,
    pub(crate) closures: Vec<ClosurePart>,
    pub(crate) providers: Vec<&'static ProviderDecl>,
    /// Those of the providers that something stands in for.
    pub(crate) replaced: Vec<&'static ProviderDecl>,
    pub(crate) sinks: Vec<SinkPart>,
    pub(crate) sources: Vec<SourcePart>,
}

#[derive(Clone, Debug)]
pub(crate) struct ClosurePart {
    pub(crate) site: Site,
    pub(crate) accepts: Accepts,
    pub(crate) pattern: Option<String>,
    pub(crate) emits: fn(&mut Signature),
}

#[derive(Clone, Debug)]
pub(crate) struct SinkPart {
    pub(crate) site: Site,
    pub(crate) pattern: String,
    /// What it is called, where it says so itself.
    pub(crate) label: Option<String>,
    /// The path of its type.
    pub(crate) type_name: &'static str,
    pub(crate) only: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct SourcePart {
    pub(crate) site: Site,
    pub(crate) label: String,
    /// The name of all its events, where they have one.
    pub(crate) name: Option<String>,
}

impl Parts {
    /// All that this binary declares.
    pub(crate) fn declared(registry: &Registry) -> Self {
        let functions = registry.handlers.iter().chain(&registry.others).copied().collect();
        Self { functions, providers: registry.providers.clone(), ..Self::default() }
    }
}
