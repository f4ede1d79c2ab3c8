//! The link table, read once: sorted, checked, and the same whatever order the linker chose.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::OnceLock;

use crate::event::{EventDecl, EventEntry};
use crate::handler::HandlerDecl;
use crate::link::LinkDecl;
use crate::name::NameHasher;
use crate::provider::{ProviderDecl, ProviderEntry};

/// Everything that this binary declares.
#[derive(Debug)]
pub(crate) struct Registry {
    /// By name, then by place.
    pub(crate) events: Vec<&'static EventDecl>,
    /// In the order in which they run.
    pub(crate) handlers: Vec<&'static HandlerDecl>,
    /// What is called without an event, in order: hooks and periodic functions.
    pub(crate) others: Vec<&'static HandlerDecl>,
    /// By place.
    pub(crate) providers: Vec<&'static ProviderDecl>,
    pub(crate) linked: Vec<&'static LinkDecl>,
    /// What each name means; the first type, where two types claim it.
    pub(crate) names: Names,
    pub(crate) duplicates: Vec<Duplicate>,
}

/// Nobody puts names in who does not write the program, so that nobody can choose them so that they collide.
pub(crate) type Names = HashMap<&'static str, Named, BuildHasherDefault<NameHasher>>;

/// A variant of a type, found by its name or by an alias.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named {
    pub(crate) decl: &'static EventDecl,
    pub(crate) variant: usize,
}

/// A name that two types claim.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Duplicate {
    pub(crate) name: &'static str,
    pub(crate) first: &'static EventDecl,
    pub(crate) second: &'static EventDecl,
}

impl Registry {
    pub(crate) fn get() -> &'static Self {
        static REGISTRY: OnceLock<Registry> = OnceLock::new();
        REGISTRY.get_or_init(Self::read)
    }

    /// What has a name, or an alias.
    pub(crate) fn find(&self, name: &str) -> Option<Named> {
        self.names.get(name).copied()
    }

    /// The name of the event that has a name, which may be an alias.
    #[cfg(any(feature = "http", feature = "metrics"))]
    pub(crate) fn real_name(&self, name: &str) -> Option<&'static str> {
        self.find(name).map(|named| named.decl.names[named.variant])
    }

    fn read() -> Self {
        let mut events: Vec<_> = inventory::iter::<EventEntry>().map(|entry| entry.0).collect();
        events.sort_by_key(|decl| (decl.names, decl.place));
        let mut functions: Vec<_> = inventory::iter::<HandlerDecl>().collect();
        functions.sort_by_cached_key(|function| function.sort_key());
        let (handlers, others) = functions.into_iter().partition(|function| function.accepts.takes_events());
        let mut providers: Vec<_> = inventory::iter::<ProviderEntry>().map(|entry| entry.0).collect();
        providers.sort_by_key(|provider| (provider.site.place, provider.site.name));
        let mut linked: Vec<_> = inventory::iter::<LinkDecl>().collect();
        linked.sort_by_key(|link| (link.krate, link.place));

        let (names, duplicates) = index(&events);
        let mut base = 0;
        for decl in &events {
            decl.slot.fill(base);
            base += decl.names.len();
        }
        Self { events, handlers, others, providers, linked, names, duplicates }
    }
}

fn index(events: &[&'static EventDecl]) -> (Names, Vec<Duplicate>) {
    let mut names = Names::default();
    let mut duplicates = Vec::new();
    for decl in events {
        let aliases = decl
            .variants
            .iter()
            .enumerate()
            .flat_map(|(variant, declared)| declared.aliases.iter().map(move |alias| (variant, alias)));
        for (variant, name) in decl.names.iter().enumerate().chain(aliases) {
            match names.get(name) {
                Some(known) => duplicates.push(Duplicate { name, first: known.decl, second: decl }),
                None => {
                    names.insert(name, Named { decl, variant });
                }
            }
        }
    }
    (names, duplicates)
}
