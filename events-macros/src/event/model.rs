//! A type as the derive sees it.

use heck::ToKebabCase as _;
use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::{Data, DeriveInput, Fields, Ident};

use super::args::{Args, Position};
use crate::diagnostics::Diagnostics;

/// A type, and the events that it stands for.
pub(crate) struct Model<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) args: Args,
    pub(crate) names: Vec<Name<'a>>,
}

/// The name of a struct or of a variant.
pub(crate) struct Name<'a> {
    pub(crate) text: String,
    /// Where the text comes from: a literal, or the identifier that it was made of.
    pub(crate) span: Span,
    pub(crate) variant: Option<(&'a Ident, &'a Fields)>,
}

impl<'a> Model<'a> {
    pub(crate) fn new(input: &'a DeriveInput, diagnostics: &mut Diagnostics) -> Self {
        let position = if matches!(input.data, Data::Enum(_)) { Position::Enum } else { Position::Struct };
        let args = Args::new(&input.attrs, position, diagnostics);
        let names = match &input.data {
            Data::Enum(data) => {
                let prefix = args.prefix.get().map(syn::LitStr::value).unwrap_or_default();
                let variants = data.variants.iter();
                variants
                    .map(|variant| {
                        let own = Args::new(&variant.attrs, Position::Variant, diagnostics);
                        Name::new(&own, &prefix, &variant.ident, Some((&variant.ident, &variant.fields)))
                    })
                    .collect()
            }
            Data::Struct(_) => vec![Name::new(&args, "", &input.ident, None)],
            Data::Union(_) => Vec::new(),
        };
        Self { input, args, names }
    }

    pub(crate) fn is_enum(&self) -> bool {
        matches!(self.input.data, Data::Enum(_))
    }
}

impl<'a> Name<'a> {
    fn new(args: &Args, prefix: &str, ident: &Ident, variant: Option<(&'a Ident, &'a Fields)>) -> Self {
        let (text, span) = match args.name.get() {
            Some(name) => (name.value(), name.span()),
            None => (format!("{prefix}{}", ident.unraw().to_string().to_kebab_case()), ident.span()),
        };
        Self { text, span, variant }
    }

    /// The name as a literal at the place that it comes from.
    pub(crate) fn literal(&self) -> impl ToTokens + use<> {
        syn::LitStr::new(&self.text, self.span)
    }
}
