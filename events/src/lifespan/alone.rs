//! A lifespan in which nothing is called by itself, for handlers that a test calls.

use std::sync::Arc;

use super::Lifespan;
use super::core::{Core, Hooks};
use super::hold::Hold;
use crate::registry::Registry;
use crate::route::Routes;
use crate::seam::Seam;
use crate::telemetry::Meters;

impl Lifespan {
    /// A lifespan with the state, the variables and the providers of this one, and without any handler or hook.
    pub(crate) fn alone(&self, seam: Seam) -> Self {
        let core = self.core();
        let routes = Routes::new(Registry::get(), Vec::new(), Arc::default(), seam.clone());
        let meters = Meters::new(Registry::get(), std::iter::empty(), std::iter::empty());
        let mut alone =
            Core::new(core.runtime.clone(), routes, Hooks::default(), core.limits, core.state.clone(), seam, meters);
        alone.vars = Arc::clone(&core.vars);
        alone.provided = Arc::clone(&core.provided);
        alone.replacements = Arc::clone(&core.replacements);
        Self(Hold::of_nobody(alone))
    }
}
