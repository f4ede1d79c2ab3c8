//! A function as `#[on]` sees it.

use proc_macro2::TokenStream;
use syn::{Attribute, Meta, Type, TypeReference};

use super::args::Args;
use crate::diagnostics::Diagnostics;
use crate::function::Registered;
use crate::params::{self, Params};

/// Takes the other attributes of the kind off a function, and answers what is in their brackets.
pub(crate) fn take_stacked(function: &mut Registered, attribute: super::Attribute) -> Vec<TokenStream> {
    let name = match attribute {
        super::Attribute::On => "on",
        super::Attribute::Every => "every",
    };
    let stacked = function.take_attributes(name).into_iter();
    let brackets = |attribute: Attribute| match attribute.meta {
        Meta::List(list) => list.tokens,
        Meta::Path(_) | Meta::NameValue(_) => TokenStream::new(),
    };
    stacked.map(brackets).collect()
}

/// A handler: its function, what its attribute says, and what its signature means.
pub(crate) struct Handler<'a> {
    pub(crate) attribute: super::Attribute,
    pub(crate) function: &'a Registered,
    pub(crate) args: &'a Args,
    /// The first parameter, where it is what the call is about.
    pub(crate) event: Option<EventParam<'a>>,
    /// The parameters that are made for each call.
    pub(crate) others: Params<'a>,
}

/// How a handler takes its event.
pub(crate) enum EventParam<'a> {
    Borrowed(&'a TypeReference),
    Owned(&'a Type),
}

impl<'a> Handler<'a> {
    pub(crate) fn new(
        attribute: super::Attribute,
        function: &'a Registered,
        args: &'a Args,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut params = function.params();
        let mut event = None;
        if is_about_something(attribute, args)
            && let Some((first, depends)) = params.next()
        {
            event = Some(EventParam::new(&first.ty));
            if let Some(depends) = depends.first() {
                let message =
                    "the event comes first, and nobody makes it: put `#[depends(..)]` on a parameter after it";
                diagnostics.error(depends, message);
                // Which of the others is the event is not known, and they would be reported for being it.
                return Self { attribute, function, args, event, others: Params(Vec::new()) };
            }
        }
        Self { attribute, function, args, event, others: Params::new(params, diagnostics) }
    }

    /// Whether it is called for an event or for a failure, which its first parameter takes.
    pub(crate) fn is_about_something(&self) -> bool {
        is_about_something(self.attribute, self.args)
    }

    /// The event, where it is borrowed and the only parameter: then nothing of the user's runs before the function does.
    pub(crate) fn borrowed_alone(&self) -> Option<&EventParam<'a>> {
        self.event.as_ref().filter(|event| matches!(event, EventParam::Borrowed(_)) && self.others.0.is_empty())
    }
}

fn is_about_something(attribute: super::Attribute, args: &Args) -> bool {
    attribute == super::Attribute::On && args.moment.get().is_none_or(|moment| moment == "failure")
}

impl<'a> EventParam<'a> {
    fn new(ty: &'a Type) -> Self {
        params::reference(ty).map_or(Self::Owned(ty), Self::Borrowed)
    }

    /// The type that the event has, without the reference.
    pub(crate) fn ty(&self) -> &'a Type {
        match self {
            Self::Borrowed(reference) => &reference.elem,
            Self::Owned(ty) => ty,
        }
    }
}
