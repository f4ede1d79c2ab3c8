//! What this binary declares, for people to read and for tests to ask.

mod finding;
mod info;
mod print;

use std::fmt;

use crate::event::EventDecl;
use crate::flow::{Flow, Parts};
use crate::registry::{Named, Registry};

pub use finding::Finding;
pub use info::{EventInfo, HandlerInfo, ProviderInfo};

/// Everything that this binary declares. See [`catalog`].
#[derive(Clone, Copy)]
pub struct Catalog {
    registry: &'static Registry,
}

/// What this binary declares: every event and every handler of every linked crate, whether or not a lifespan runs.
///
/// `Display` prints it as tables.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Event, on};
///
/// #[derive(Event)]
/// struct CatFed;
/// #[derive(Event)]
/// struct CatPurred;
///
/// #[on("cat-f*", order = 5)]
/// fn purr(_: &CatFed) -> CatPurred {
///     CatPurred
/// }
///
/// # fn main() {
/// let catalog = events::catalog();
/// let handler = catalog.handlers().next().unwrap();
/// assert!(handler.path().ends_with("::purr"));
/// assert_eq!(handler.patterns(), ["cat-f*"]);
/// assert_eq!(handler.emits(), ["cat-purred"]);
/// println!("{catalog}");
/// # }
/// ```
pub fn catalog() -> Catalog {
    Catalog { registry: Registry::get() }
}

impl Catalog {
    /// The events, by name.
    pub fn events(&self) -> impl Iterator<Item = EventInfo> + use<> {
        let variants = |decl: &'static EventDecl| (0..decl.names.len()).map(move |variant| EventInfo { decl, variant });
        let mut events: Vec<_> = self.registry.events.iter().copied().flat_map(variants).collect();
        events.sort_by_key(EventInfo::name);
        events.into_iter()
    }

    /// The event that has a name, or that has it for an alias.
    pub fn event(&self, name: &str) -> Option<EventInfo> {
        self.registry.find(name).map(|Named { decl, variant }| EventInfo { decl, variant })
    }

    /// The handlers, in the order in which they would run if one event went to all of them.
    pub fn handlers(&self) -> impl Iterator<Item = HandlerInfo> + use<> {
        self.registry.handlers.iter().map(|&decl| HandlerInfo { decl })
    }

    /// What is called without an event, in order: hooks and periodic functions.
    pub fn hooks(&self) -> impl Iterator<Item = HandlerInfo> + use<> {
        self.registry.others.iter().map(|&decl| HandlerInfo { decl })
    }

    /// The functions that make what others ask for, by place.
    pub fn providers(&self) -> impl Iterator<Item = ProviderInfo> + use<> {
        self.registry.providers.iter().map(|&decl| ProviderInfo { decl })
    }
}

impl Catalog {
    /// How events flow through all that this binary declares: a picture, and what is remarkable in it.
    pub fn flow(&self) -> Flow {
        Flow::new(&Parts::declared(self.registry), self.registry)
    }

    /// The [flow](Self::flow) in the language of [Mermaid](https://mermaid.js.org).
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Event, on};
    ///
    /// #[derive(Event)]
    /// struct CatFed;
    /// #[derive(Event)]
    /// struct CatPurred;
    ///
    /// #[on(now)]
    /// fn purr(_: &CatFed) -> CatPurred {
    ///     CatPurred
    /// }
    ///
    /// # fn main() {
    /// let picture = events::catalog().mermaid();
    /// assert!(picture.contains("e1([\"cat-fed\"])"));
    /// assert!(picture.contains("e1 -->|\"now\"| h1"));
    /// assert!(picture.contains("h1 --> e2"));
    /// # }
    /// ```
    pub fn mermaid(&self) -> String {
        self.flow().mermaid()
    }

    /// The [flow](Self::flow) in the language of [Graphviz](https://graphviz.org).
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Event, on};
    ///
    /// #[derive(Event)]
    /// struct CatFed;
    ///
    /// #[on]
    /// fn purr(_: &CatFed) {}
    ///
    /// # fn main() {
    /// let picture = events::catalog().dot();
    /// assert!(picture.starts_with("digraph"));
    /// assert!(picture.contains("e1 -> h1"));
    /// # }
    /// ```
    pub fn dot(&self) -> String {
        self.flow().dot()
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("events", &self.registry.events.len())
            .field("handlers", &self.registry.handlers.len())
            .finish_non_exhaustive()
    }
}
