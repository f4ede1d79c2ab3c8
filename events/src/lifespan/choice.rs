//! Which of the declared functions a lifespan has.

use std::any::TypeId;

use crate::handler::HandlerDecl;
use crate::place::Place;

/// Which of the declared functions a lifespan has.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) without: Vec<String>,
    pub(super) without_groups: Vec<String>,
    pub(super) only_groups: Option<Vec<String>>,
    pub(super) without_all: bool,
    pub(super) with: Vec<Named>,
}

/// A function that the builder was given as a value.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) id: TypeId,
    pub(super) type_name: &'static str,
    pub(super) place: Place,
}

impl Choice {
    pub(super) fn takes(&self, function: &HandlerDecl) -> bool {
        let named = |names: &[String], name: &str| names.iter().any(|known| known == name);
        let group = function.group.is_none_or(|group| {
            !named(&self.without_groups, group) && self.only_groups.as_ref().is_none_or(|only| named(only, group))
        });
        let back = !self.without_all || self.with.iter().any(|named| named.id == function.id);
        back && group && (self.without.is_empty() || !named(&self.without, &function.site.path()))
    }
}
