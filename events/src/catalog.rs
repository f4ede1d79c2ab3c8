//! What this binary declares, for people to read and for tests to ask.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use tabwriter::TabWriter;

use crate::event::EventDecl;
use crate::extract::{Accepts, Moment};
use crate::handler::HandlerDecl;
use crate::place::Place;
use crate::registry::{Duplicate, Registry};

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
        let named = |decl: &'static EventDecl| decl.names.iter().map(move |name| EventInfo { name, decl });
        let mut events: Vec<_> = self.registry.events.iter().copied().flat_map(named).collect();
        events.sort_by_key(|event| event.name);
        events.into_iter()
    }

    /// The event that has a name.
    pub fn event(&self, name: &str) -> Option<EventInfo> {
        self.registry.names.get_key_value(name).map(|(name, named)| EventInfo { name, decl: named.decl })
    }

    /// The handlers, in the order in which they would run if one event went to all of them.
    pub fn handlers(&self) -> impl Iterator<Item = HandlerInfo> + use<> {
        self.registry.handlers.iter().map(|&decl| HandlerInfo { decl })
    }

    /// What is called without an event, in order: hooks and periodic functions.
    pub fn hooks(&self) -> impl Iterator<Item = HandlerInfo> + use<> {
        self.registry.others.iter().map(|&decl| HandlerInfo { decl })
    }

    /// What looks like a mistake, and can only be seen in the whole program.
    pub fn findings(&self) -> Vec<Finding> {
        let duplicates = self.registry.duplicates.iter().map(Finding::of_duplicate);
        let unmatched = self.handlers().flat_map(|handler| self.unmatched(handler));
        let idle = self.registry.linked.iter().filter(|link| !self.declares(link.krate));
        duplicates
            .chain(unmatched)
            .chain(idle.map(|link| Finding {
                message: format!(
                    "`events::link!` names the crate `{}`, which declares no event and no handler",
                    link.krate
                ),
                place: link.place,
            }))
            .collect()
    }

    /// The patterns of a handler over any type that match no event of this binary.
    fn unmatched(self, handler: HandlerInfo) -> Vec<Finding> {
        if matches!(handler.decl.accepts, Accepts::Type(_)) {
            return Vec::new();
        }
        let idle = handler.patterns().iter().filter(|pattern| {
            let pattern = crate::Pattern::new(pattern);
            !self.events().any(|event| pattern.matches(event.name()))
        });
        idle.map(|pattern| Finding {
            message: format!(
                "pattern `{pattern}` of handler `{}` matches no event of this binary; only events that arrive by name can reach it",
                handler.path()
            ),
            place: handler.place(),
        })
        .collect()
    }

    fn declares(self, krate: &str) -> bool {
        self.registry.events.iter().any(|decl| decl.place.krate() == krate)
            || self.handlers().chain(self.hooks()).any(|function| function.place().krate() == krate)
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

/// An event of the catalog.
#[derive(Clone, Copy, Debug)]
pub struct EventInfo {
    name: &'static str,
    decl: &'static EventDecl,
}

impl EventInfo {
    /// The event's name.
    pub fn name(&self) -> &'static str {
        self.name
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

    fn abilities(self) -> String {
        let all = [
            (self.is_validated(), "validated"),
            (self.is_serializable(), "serialize"),
            (self.is_deserializable(), "deserialize"),
        ];
        all.iter().filter(|(is, _)| *is).map(|(_, text)| *text).collect::<Vec<_>>().join(", ")
    }
}

/// A handler of the catalog.
#[derive(Clone, Copy, Debug)]
pub struct HandlerInfo {
    decl: &'static HandlerDecl,
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
        match self.decl.accepts {
            Accepts::Moment(Moment::Startup) => Some("startup".into()),
            Accepts::Moment(Moment::Shutdown) => Some("shutdown".into()),
            Accepts::Moment(Moment::Failure) => Some("failure".into()),
            Accepts::Tick(schedule) => Some(format!("every {:?}", schedule.interval)),
            Accepts::Type(_) | Accepts::Any | Accepts::View => None,
        }
    }

    /// How it is called: `async`, `sync`, `blocking` or `now`.
    pub fn call(&self) -> &'static str {
        self.decl.call.keyword()
    }

    /// The names of the events that it emits by its signature, through what it returns or through `Emit`.
    pub fn emits(&self) -> Vec<&'static str> {
        self.decl.signature().emits.iter().flat_map(|decl| decl.names).copied().collect()
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

/// Something in the whole program that looks like a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    message: String,
    place: Place,
}

impl Finding {
    fn of_duplicate(duplicate: &Duplicate) -> Self {
        let Duplicate { name, first, second } = duplicate;
        let message =
            format!("`{}` has the event name `{name}`, which `{}` has at {}", second.path(), first.path(), first.place);
        Self { message, place: second.place }
    }

    /// What it is.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        self.place
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.place)
    }
}

impl fmt::Display for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events = self.events().map(|event| {
            vec![event.name().to_owned(), event.type_path(), event.abilities(), event.place().to_string()]
        });
        table(f, &["EVENT", "TYPE", "ABLE TO", "DECLARED AT"], events)?;
        f.write_char('\n')?;
        let handlers = self.handlers().map(|handler| {
            let patterns = if handler.patterns().is_empty() { "-".to_owned() } else { handler.patterns().join(" ") };
            vec![
                handler.order().to_string(),
                handler.path(),
                handler.call().to_owned(),
                handler.payload().to_owned(),
                patterns,
                handler.emits().join(" "),
                handler.also_matches().join(" "),
                handler.place().to_string(),
            ]
        });
        let heads = ["ORDER", "HANDLER", "CALL", "TAKES", "PATTERNS", "EMITS", "ALSO MATCHES", "DECLARED AT"];
        table(f, &heads, handlers)?;
        if self.hooks().next().is_some() {
            f.write_char('\n')?;
            let hooks = self.hooks().map(|hook| {
                let moment = hook.moment().unwrap_or_default();
                let order = hook.order().to_string();
                vec![
                    moment,
                    order,
                    hook.path(),
                    hook.call().to_owned(),
                    hook.emits().join(" "),
                    hook.place().to_string(),
                ]
            });
            table(f, &["MOMENT", "ORDER", "HOOK", "CALL", "EMITS", "DECLARED AT"], hooks)?;
        }
        let findings = self.findings();
        if !findings.is_empty() {
            f.write_str("\nFINDINGS\n")?;
        }
        findings.iter().try_for_each(|finding| writeln!(f, "{finding}"))
    }
}

fn table(f: &mut fmt::Formatter<'_>, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> fmt::Result {
    let mut aligned = TabWriter::new(Vec::new()).padding(2);
    let mut line = |cells: &[String]| writeln!(aligned, "{}", cells.join("\t")).map_err(|_| fmt::Error);
    line(&heads.iter().map(|&head| head.to_owned()).collect::<Vec<_>>())?;
    for row in rows {
        line(&row.iter().map(|cell| if cell.is_empty() { "-".to_owned() } else { cell.clone() }).collect::<Vec<_>>())?;
    }
    let text = aligned.into_inner().map_err(|_| fmt::Error)?;
    f.write_str(&String::from_utf8_lossy(&text))
}
