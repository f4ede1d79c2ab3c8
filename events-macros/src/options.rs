//! The grammar of options, the same in every attribute: `flag`, `name = value`, and what is said when they are wrong.

use std::fmt::Display;
use std::time::Duration;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::{Parse as _, ParseStream, Parser as _};
use syn::{Expr, ExprLit, ExprUnary, Ident, Lit, LitInt, LitStr, Path, Token, Type, UnOp};

use crate::diagnostics::Diagnostics;
use crate::tokens::compact;

/// One entry of an attribute's brackets.
pub(crate) enum Entry {
    Text(LitStr),
    Flag(Ident),
    Value(Ident, TokenStream),
}

/// Splits an attribute's brackets at the commas. What is no entry is reported and left out, the others are kept.
pub(crate) fn entries(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Vec<Entry> {
    let mut found = Vec::new();
    for part in at_commas(tokens) {
        match entry.parse2(part.clone()) {
            Ok(one) => found.push(one),
            Err(_) => {
                let text = compact(&part).replace('"', "");
                diagnostics.error(part, format!("expected a text in quotes or an option: did you mean `\"{text}\"`?"));
            }
        }
    }
    found
}

fn at_commas(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in tokens {
        match (&token, parts.last_mut()) {
            (TokenTree::Punct(punct), _) if punct.as_char() == ',' => parts.push(TokenStream::new()),
            (_, Some(part)) => part.extend([token]),
            (_, None) => {}
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn entry(input: ParseStream<'_>) -> syn::Result<Entry> {
    if input.peek(LitStr) {
        let text: LitStr = input.parse()?;
        return Ok(Entry::Text(text));
    }
    let name = input.call(Ident::parse_any)?;
    if input.is_empty() {
        return Ok(Entry::Flag(name));
    }
    input.parse::<Token![=]>()?;
    Ok(Entry::Value(name, input.parse()?))
}

/// An option that may be given once.
#[derive(Debug)]
pub(crate) struct Once<T> {
    value: Option<T>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self { value: None }
    }
}

impl<T> Once<T> {
    /// Keeps the first value; reports a second one.
    pub(crate) fn set(&mut self, name: &Ident, value: T, diagnostics: &mut Diagnostics) {
        if self.value.is_some() {
            diagnostics.error(name, format!("`{name}` is given twice: keep one"));
        } else {
            self.value = Some(value);
        }
    }

    /// Reads a value with one of the readers below, and keeps it.
    pub(crate) fn read(
        &mut self,
        name: &Ident,
        value: &TokenStream,
        diagnostics: &mut Diagnostics,
        reader: fn(&Ident, &TokenStream, &mut Diagnostics) -> Option<T>,
    ) {
        if let Some(value) = reader(name, value, diagnostics) {
            self.set(name, value, diagnostics);
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }
}

impl<T: Default> Once<(Ident, T)> {
    /// Keeps a value beside the name of its option. What is wrong with it has been reported; that it is missing would be
    /// reported once more.
    pub(crate) fn keep(&mut self, name: &Ident, value: Option<T>, diagnostics: &mut Diagnostics) {
        self.set(name, (name.clone(), value.unwrap_or_default()), diagnostics);
    }
}

/// What the options of one attribute are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vocabulary {
    /// The attribute, as it is written: `#[on]`.
    pub(crate) attribute: &'static str,
    /// The options with a value.
    pub(crate) values: &'static [&'static str],
    /// The options without one.
    pub(crate) flags: &'static [&'static str],
}

impl Vocabulary {
    /// Reports an option that is none of these, or that is written in the wrong form.
    pub(crate) fn refuse(self, name: &Ident, diagnostics: &mut Diagnostics) {
        diagnostics.error(name, self.refusal(&name.unraw().to_string()));
    }

    fn refusal(self, name: &str) -> String {
        if self.values.contains(&name) {
            return format!("`{name}` needs a value: `{name} = ..`");
        }
        if self.flags.contains(&name) {
            return format!("`{name}` takes no value: write `{name}` alone");
        }
        let attribute = self.attribute;
        let all = self.flags.iter().chain(self.values);
        let distance = |known: &&&str| strsim::osa_distance(name, known);
        let meant = all.clone().min_by_key(distance).filter(|known| distance(known) <= 2);
        let meant = meant.map_or(String::new(), |known| format!(", did you mean `{known}`?"));
        let all = all.map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
        format!("`{attribute}` has no option `{name}`{meant} (it has {all})")
    }
}

/// Reads a value, and says what it should have been where it is something else.
pub(crate) fn text(name: &Ident, value: &TokenStream, diagnostics: &mut Diagnostics) -> Option<LitStr> {
    let text = syn::parse2(value.clone()).ok();
    if text.is_none() {
        expected(name, value, "a text in quotes", diagnostics);
    }
    text
}

/// Reads a whole number, which may be negative.
pub(crate) fn number(name: &Ident, value: &TokenStream, diagnostics: &mut Diagnostics) -> Option<i32> {
    let number = match syn::parse2::<Expr>(value.clone()) {
        Ok(Expr::Lit(ExprLit { lit: Lit::Int(int), .. })) => int.base10_parse().ok(),
        Ok(Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. })) => match *expr {
            Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => format!("-{}", int.base10_digits()).parse().ok(),
            _ => None,
        },
        _ => None,
    };
    if number.is_none() {
        expected(name, value, "a whole number from -2147483648 to 2147483647", diagnostics);
    }
    number
}

/// Reads a number of things, of which there is at least one.
pub(crate) fn count(name: &Ident, value: &TokenStream, diagnostics: &mut Diagnostics) -> Option<usize> {
    let count = syn::parse2::<LitInt>(value.clone()).ok().and_then(|int| int.base10_parse::<u32>().ok());
    let count = count.filter(|count| *count > 0);
    if count.is_none() {
        expected(name, value, "a whole number of at least 1", diagnostics);
    }
    count.map(|count| count as usize)
}

/// Reads a duration, as `humantime` writes it, that is not zero.
pub(crate) fn duration(name: &Ident, value: &TokenStream, diagnostics: &mut Diagnostics) -> Option<Duration> {
    let text = text(name, value, diagnostics)?;
    duration_of(&format!("`{name}`"), &text, diagnostics)
}

/// Reads the duration in a text; `what` is its name in messages.
pub(crate) fn duration_of(what: &str, text: &LitStr, diagnostics: &mut Diagnostics) -> Option<Duration> {
    match humantime::parse_duration(&text.value()) {
        Ok(Duration::ZERO) => {
            diagnostics.error(text, format!("{what} must be longer than zero"));
            None
        }
        Ok(duration) => Some(duration),
        Err(error) => {
            diagnostics
                .error(text, format!("{what} is no duration, {error}: write `\"5s\"`, `\"500ms\"` or `\"1h 30m\"`"));
            None
        }
    }
}

/// Reads a path.
pub(crate) fn path(name: &Ident, value: &TokenStream, diagnostics: &mut Diagnostics) -> Option<Path> {
    let path = Path::parse_mod_style.parse2(value.clone()).ok();
    if path.is_none() {
        expected(name, value, "a path", diagnostics);
    }
    path
}

/// Reads a type, or several in brackets.
pub(crate) fn types(name: &Ident, value: &TokenStream, diagnostics: &mut Diagnostics) -> Option<Vec<Type>> {
    let several = |input: ParseStream<'_>| {
        if !input.peek(syn::token::Bracket) {
            return Ok(vec![input.parse()?]);
        }
        let list;
        syn::bracketed!(list in input);
        Ok(list.parse_terminated(Type::parse, Token![,])?.into_iter().collect())
    };
    let types = several.parse2(value.clone()).ok().filter(|types| !types.is_empty());
    if types.is_none() {
        expected(name, value, "a type, or types in brackets", diagnostics);
    }
    types
}

fn expected(name: &Ident, value: &TokenStream, what: impl Display, diagnostics: &mut Diagnostics) {
    let message = format!("`{name}` must be {what}");
    if value.is_empty() { diagnostics.error(name, message) } else { diagnostics.error(value, message) }
}

/// The path of the `events` crate: the one that `crate = ..` gives, or the one that it has by default.
pub(crate) fn crate_path(given: Option<&Path>) -> TokenStream {
    match given {
        Some(path) => path.to_token_stream(),
        None => {
            let events = Ident::new("events", Span::call_site());
            quote::quote!(::#events)
        }
    }
}
