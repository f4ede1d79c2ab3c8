//! How events flow through one lifespan.

use super::start::chosen;
use super::{Lifespan, LifespanBuilder};
use crate::flow::{Flow, Parts};
use crate::handler::ClosureHandler;
use crate::provider::Plan;
use crate::registry::Registry;
use crate::sink::Outlet;

impl LifespanBuilder {
    /// How events will flow through the lifespan, which need not start for it: what it has of the declared functions and the
    /// providers that they stand on, its closures, its sinks and its sources.
    ///
    /// Sources and sinks are told by their [labels](crate::Source::label), without what is secret in a URL.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Echo, Event, Lifespan, Memory, SourceExt as _, on};
    ///
    /// #[derive(Event, serde::Serialize, serde::Deserialize)]
    /// struct CatFed {
    ///     fish: u32,
    /// }
    ///
    /// #[on]
    /// fn purr(_: &CatFed) {}
    ///
    /// # fn main() {
    /// let cats = Memory::default().source("cats").named("cat-fed");
    /// let flow = Lifespan::builder().source(cats).sink("cat-*", Echo::stdout()).flow();
    /// let picture = flow.mermaid();
    /// assert!(picture.contains("memory/cats"));
    /// assert!(picture.contains("i1 --> e1")); // from the source to the event
    /// assert!(picture.contains("e1 --> o1")); // from the event to the sink
    /// # }
    /// ```
    pub fn flow(&self) -> Flow {
        let registry = Registry::get();
        let functions = chosen(self, &registry.handlers).chain(chosen(self, &registry.others));
        Flow::new(&self.parts(&Plan::new(functions, &self.replacements)), registry)
    }

    pub(super) fn parts(&self, plan: &Plan) -> Parts {
        let registry = Registry::get();
        Parts {
            functions: chosen(self, &registry.handlers).chain(chosen(self, &registry.others)).collect(),
            closures: self.closures.iter().map(ClosureHandler::part).collect(),
            providers: plan.providers.clone(),
            replaced: self.replacements.providers().collect(),
            sinks: self.outlets.0.iter().map(Outlet::part).collect(),
            sources: self.inlets.iter().map(|inlet| inlet.part()).collect(),
        }
    }
}

impl Lifespan {
    /// How events flow through the lifespan. See [`LifespanBuilder::flow`].
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Event, Lifespan};
    /// use std::sync::Arc;
    ///
    /// #[derive(Event)]
    /// struct CatFed;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = Lifespan::builder().on(|_: Arc<CatFed>| async {}).start().await?;
    /// assert!(app.flow().dot().contains("e1 -> h1"));
    /// # app.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn flow(&self) -> Flow {
        Flow::new(&self.core().parts, Registry::get())
    }
}
