//! What looks like a mistake in the whole program.

use std::fmt;

use super::{Catalog, HandlerInfo};
use crate::extract::Accepts;
use crate::place::Place;
use crate::registry::Duplicate;

impl Catalog {
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
            || self.providers().any(|provider| provider.place().krate() == krate)
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
