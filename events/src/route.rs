//! Which handlers an event goes to: resolved when a lifespan starts, looked up by index when it dispatches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::call::Ended;
use crate::context::Context;
use crate::event::EventDecl;
use crate::handler::{Handler, SyncCall};
use crate::place::Site;
use crate::registry::Registry;
use crate::seam::Seam;
use crate::sink::Outlets;

/// How many names that no type has are remembered, with their routes. Past it the memory is emptied and begins again, so
/// that a stream of ever new names costs time and never memory.
const REMEMBERED_NAMES: usize = 1024;

/// A handler that has ended when its call returns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SyncHandler {
    site: Site,
    call: SyncCall,
}

impl SyncHandler {
    #[inline]
    pub(crate) fn run(&self, begun: Instant, context: Context<'_>) -> Ended<'_> {
        Ended::of_call(&self.site, begun, self.call, context)
    }
}

/// The handlers of one name, in the order in which they run.
#[derive(Debug, Default)]
pub(crate) struct Route {
    /// Those that run inside the dispatch.
    pub(crate) now: Box<[SyncHandler]>,
    /// Those that run first in the delivery: of the first stages, as long as nobody in them can wait.
    pub(crate) at_once: Box<[SyncHandler]>,
    /// The others that run in the delivery: one slice for each `order`.
    pub(crate) stages: Box<[Box<[Handler]>]>,
    /// The lifespan's sinks that the event is sent to.
    pub(crate) outlets: Box<[usize]>,
    /// Whether some handler takes the payload as an `Arc`.
    pub(crate) shared: bool,
    /// Whether the `now` handlers are content with the payload in place.
    pub(crate) payload_alone: bool,
}

impl Route {
    /// Takes handlers that are sorted already.
    fn new(handlers: &[&Handler]) -> Self {
        let mut route = Self { payload_alone: true, ..Self::default() };
        let mut now = Vec::new();
        let mut delivered: Vec<Handler> = Vec::new();
        for &handler in handlers {
            route.shared |= handler.is_shared();
            if let Some((call, payload_alone)) = handler.now() {
                route.payload_alone &= payload_alone;
                now.push(SyncHandler { site: *handler.site(), call });
            } else {
                delivered.push(handler.clone());
            }
        }
        route.now = now.into();
        let mut stages = delivered.chunk_by(|a, b| a.order() == b.order()).peekable();
        let mut at_once = Vec::new();
        while let Some(stage) = stages.next_if(|stage| stage.iter().all(|handler| handler.at_once().is_some())) {
            let calls = stage.iter().filter_map(|handler| Some((*handler.site(), handler.at_once()?)));
            at_once.extend(calls.map(|(site, call)| SyncHandler { site, call }));
        }
        route.at_once = at_once.into();
        route.stages = stages.map(Box::from).collect();
        route
    }

    /// Whether no handler in the delivery can wait.
    #[inline]
    pub(crate) fn is_at_once(&self) -> bool {
        self.stages.is_empty()
    }

    /// Whether nobody sees more of the event than its payload, and that inside the dispatch alone.
    pub(crate) fn ends_in_place(&self) -> bool {
        self.payload_alone && self.ends_now()
    }

    /// Whether nobody waits for the event once the dispatch has ended.
    pub(crate) fn ends_now(&self) -> bool {
        self.at_once.is_empty() && self.stages.is_empty() && self.outlets.is_empty()
    }
}

/// A handler and its rank in the order in which all of them run.
type Ranked = (usize, Handler);

/// The routes of a lifespan.
#[derive(Debug)]
pub(crate) struct Routes {
    /// A route for every name of every type, at the type's slot plus the variant's index.
    declared: Box<[Route]>,
    /// The handlers that take events of any type.
    untyped: Box<[Ranked]>,
    outlets: Arc<Outlets>,
    seam: Seam,
    remembered: Mutex<HashMap<Box<str>, Arc<Route>>>,
}

impl Routes {
    /// Takes handlers that are sorted already.
    pub(crate) fn new(registry: &Registry, handlers: Vec<Handler>, outlets: Arc<Outlets>, seam: Seam) -> Self {
        let mut untyped = Vec::new();
        let mut typed: HashMap<_, Vec<Ranked>> = HashMap::new();
        for (rank, handler) in handlers.into_iter().enumerate() {
            match handler.payload_type() {
                Some(decl) => typed.entry(decl.type_id).or_default().push((rank, handler)),
                None => untyped.push((rank, handler)),
            }
        }
        let names = registry.events.iter().flat_map(|decl| decl.names.iter().map(move |name| (decl, name)));
        let declared = names
            .map(|(decl, name)| {
                let own = typed.get(&decl.type_id).map_or(&[][..], Vec::as_slice);
                Self::resolve(name, own.iter().chain(&untyped), &outlets, &seam)
            })
            .collect();
        Self { declared, untyped: untyped.into(), outlets, seam, remembered: Mutex::default() }
    }

    fn resolve<'a>(name: &str, candidates: impl Iterator<Item = &'a Ranked>, outlets: &Outlets, seam: &Seam) -> Route {
        let (outlets, only) = outlets.of(name);
        let mut matching: Vec<_> = candidates.filter(|(_, handler)| !only && handler.takes_name(name)).collect();
        matching.sort_unstable_by_key(|(rank, _)| *rank);
        let mut handlers: Vec<_> = matching.into_iter().map(|(_, handler)| handler).collect();
        seam.arrange(name, &mut handlers);
        Route { outlets, ..Route::new(&handlers) }
    }

    /// The route of a declared name, or `None` when its type came into the process after the table was read.
    #[inline]
    pub(crate) fn declared(&self, decl: &EventDecl, variant: usize) -> Option<&Route> {
        self.declared.get(decl.slot.get()? + variant)
    }

    /// The route of a name that no type has.
    pub(crate) fn unknown(&self, name: &str) -> Arc<Route> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(route) = remembered.get(name) {
            return Arc::clone(route);
        }
        let route = Arc::new(Self::resolve(name, self.untyped.iter(), &self.outlets, &self.seam));
        if remembered.len() >= REMEMBERED_NAMES {
            remembered.clear();
        }
        remembered.insert(name.into(), Arc::clone(&route));
        route
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{REMEMBERED_NAMES, Routes};
    use crate::registry::Registry;
    use crate::seam::Seam;

    #[test]
    fn ever_new_names_cost_no_memory() {
        let routes = Routes::new(Registry::get(), Vec::new(), Arc::default(), Seam::default());
        for n in 0..10_000 {
            routes.unknown(&format!("name-{n}"));
            assert!(routes.remembered.lock().expect("nobody panics").len() <= REMEMBERED_NAMES);
        }
        let again = routes.unknown("name-9999");
        assert!(Arc::ptr_eq(&again, &routes.unknown("name-9999")), "the last ones are remembered");
    }
}
