//! A type as the derive sees it.

use heck::ToKebabCase as _;
use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::{Data, DeriveInput, Fields, Ident, LitStr, Member, Type};

use super::args::{Args, Position};
use super::serde::{Naming, SerdeArgs};
use crate::diagnostics::Diagnostics;

/// A type, and the events that it stands for.
pub(crate) struct Model<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) args: Args,
    pub(crate) variants: Vec<Variant<'a>>,
}

/// A struct, or a variant of an enum: one event.
pub(crate) struct Variant<'a> {
    pub(crate) name: Name,
    /// Absent for a struct.
    pub(crate) ident: Option<&'a Ident>,
    /// What serde calls the variant of an enum.
    pub(crate) wire: Option<String>,
    pub(crate) shape: &'a Fields,
    pub(crate) fields: Vec<Field<'a>>,
    /// The options of the variant; those of a struct are the type's.
    own: Option<Args>,
}

/// The name of an event, or an alias of it.
pub(crate) struct Name {
    pub(crate) text: String,
    /// Where the text comes from: a literal, or the identifier that it was made of.
    pub(crate) span: Span,
}

/// A field of an event.
pub(crate) struct Field<'a> {
    pub(crate) name: String,
    /// Its name in JSON.
    pub(crate) wire: String,
    pub(crate) flat: bool,
    pub(crate) secret: bool,
    pub(crate) key: Option<Key<'a>>,
}

/// The field whose value is the partition key.
pub(crate) struct Key<'a> {
    /// Where it is said.
    pub(crate) option: Ident,
    pub(crate) member: Member,
    pub(crate) ty: &'a Type,
}

impl<'a> Model<'a> {
    pub(crate) fn new(input: &'a DeriveInput, diagnostics: &mut Diagnostics) -> Self {
        let position = if matches!(input.data, Data::Enum(_)) { Position::Enum } else { Position::Struct };
        let args = Args::new(&input.attrs, position, diagnostics);
        let serde = SerdeArgs::new(&input.attrs);
        let variants = match &input.data {
            Data::Enum(data) => {
                let prefix = args.prefix.get().map(LitStr::value).unwrap_or_default();
                let variants = data.variants.iter();
                variants.map(|variant| Variant::of_enum(variant, &prefix, &serde, diagnostics)).collect()
            }
            Data::Struct(data) => {
                let fields = fields(&data.fields, serde.rename_all, diagnostics);
                let name = Name::new(&args, "", &input.ident);
                vec![Variant { name, ident: None, wire: None, shape: &data.fields, fields, own: None }]
            }
            Data::Union(_) => Vec::new(),
        };
        Self { input, args, variants }
    }

    pub(crate) fn is_enum(&self) -> bool {
        matches!(self.input.data, Data::Enum(_))
    }

    /// The options that say something of one event.
    pub(crate) fn args_of<'b>(&'b self, variant: &'b Variant<'_>) -> &'b Args {
        variant.own.as_ref().unwrap_or(&self.args)
    }
}

impl<'a> Variant<'a> {
    fn of_enum(variant: &'a syn::Variant, prefix: &str, parent: &SerdeArgs, diagnostics: &mut Diagnostics) -> Self {
        let own = Args::new(&variant.attrs, Position::Variant, diagnostics);
        let serde = SerdeArgs::new(&variant.attrs);
        let rename_all = serde.rename_all.or(parent.rename_all_fields);
        let ident = variant.ident.unraw().to_string();
        let wire = serde.rename.unwrap_or_else(|| match parent.rename_all {
            Some(naming) => naming.of_variant(&ident),
            None => ident,
        });
        Self {
            name: Name::new(&own, prefix, &variant.ident),
            ident: Some(&variant.ident),
            wire: Some(wire),
            shape: &variant.fields,
            fields: fields(&variant.fields, rename_all, diagnostics),
            own: Some(own),
        }
    }

    /// What the fields say of the partition key: at most one does, in what has been checked.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&Field<'a>, &Key<'a>)> {
        self.fields.iter().filter_map(|field| Some((field, field.key.as_ref()?)))
    }

    /// The field that a newtype consists of.
    pub(crate) fn wrapped(&self) -> Option<&'a syn::Field> {
        match self.shape {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first(),
            _ => None,
        }
    }
}

fn fields<'a>(fields: &'a Fields, rename_all: Option<Naming>, diagnostics: &mut Diagnostics) -> Vec<Field<'a>> {
    let count = fields.len();
    let field = |(index, syntax): (usize, &'a syn::Field)| {
        let args = Args::new(&syntax.attrs, Position::Field, diagnostics);
        let serde = SerdeArgs::new(&syntax.attrs);
        let name = syntax.ident.as_ref().map_or(index.to_string(), |ident| ident.unraw().to_string());
        let wire = match (&syntax.ident, count) {
            (None, 1) => String::new(),
            (None, _) => format!("[{index}]"),
            (Some(_), _) => {
                serde.rename.unwrap_or_else(|| rename_all.map_or(name.clone(), |naming| naming.of_field(&name)))
            }
        };
        let key = args.partition_key.get().cloned().map(|option| {
            let member = syntax.ident.clone().map_or_else(|| Member::from(index), Member::Named);
            Key { option, member, ty: &syntax.ty }
        });
        Field { name, wire, flat: serde.flatten, secret: args.secret.get().is_some(), key }
    };
    fields.iter().enumerate().map(field).collect()
}

impl Name {
    fn new(args: &Args, prefix: &str, ident: &Ident) -> Self {
        match args.name.get() {
            Some(name) => Self::given(name),
            None => Self { text: format!("{prefix}{}", ident.unraw().to_string().to_kebab_case()), span: ident.span() },
        }
    }

    pub(crate) fn given(name: &LitStr) -> Self {
        Self { text: name.value(), span: name.span() }
    }

    /// The name as a literal at the place that it comes from.
    pub(crate) fn literal(&self) -> impl ToTokens + use<> {
        LitStr::new(&self.text, self.span)
    }
}
