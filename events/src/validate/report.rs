//! Makes a list, in the order of declaration, of what `validator` answers as maps without an order.

use serde_json::value::RawValue;
use validator::{ValidationError, ValidationErrors as Raw, ValidationErrorsKind};

use super::json::{Entries, joined, shown};
use super::{FieldError, ValidationErrors, rule};
use crate::event::Field;
use crate::wire;

/// At most this many broken rules are told one by one.
const MAX_ERRORS: usize = 100;
/// What `validator` calls a rule over the whole of a struct.
const WHOLE: &str = "__all__";
/// What it calls the items of a list that is not the field of a struct.
const ITEMS: &str = "_tmp_validator";

#[derive(Default)]
pub(super) struct Report {
    errors: Vec<FieldError>,
    more: usize,
}

/// A value whose rules were broken.
#[derive(Clone, Copy)]
struct At<'a> {
    path: &'a str,
    json: Option<&'a RawValue>,
    /// What the derive knows of the fields; nothing of those of nested types.
    fields: &'a [Field],
    secret: bool,
}

/// A field whose rules were broken, and where it stands among the others.
struct Broken<'a> {
    rank: usize,
    path: String,
    json: Option<&'a RawValue>,
    secret: bool,
    kind: &'a ValidationErrorsKind,
}

impl Report {
    pub(super) fn of(raw: &Raw, json: Option<&RawValue>, fields: &[Field]) -> ValidationErrors {
        let mut report = Self::default();
        report.visit(raw, At { path: "", json, fields, secret: Field::all_secret(fields) });
        ValidationErrors { fields: report.errors, more: report.more }
    }

    fn visit(&mut self, raw: &Raw, at: At<'_>) {
        let entries = Entries::of(at.json);
        let mut broken: Vec<_> =
            raw.errors().iter().map(|(name, kind)| Broken::new(name, kind, at, &entries)).collect();
        broken.sort_by(|a, b| (a.rank, &a.path).cmp(&(b.rank, &b.path)));
        for Broken { path, json, secret, kind, .. } in broken {
            let inside = At { path: &path, json, fields: &[], secret };
            match kind {
                ValidationErrorsKind::Struct(inner) => self.visit(inner, inside),
                ValidationErrorsKind::Field(rules) => rules.iter().for_each(|rule| self.push(rule, inside)),
                ValidationErrorsKind::List(items) => {
                    let entries = Entries::of(json);
                    for (&index, inner) in items {
                        let (item, json) = entries.item(&path, index);
                        // The keys of a map are values of somebody's.
                        let path = if secret { format!("{path}[{index}]") } else { item };
                        self.visit(inner, At { path: &path, json, ..inside });
                    }
                }
            }
        }
    }

    fn push(&mut self, broken: &ValidationError, at: At<'_>) {
        if self.errors.len() >= MAX_ERRORS {
            self.more += 1;
            return;
        }
        let known = || broken.params.get("value").map(ToString::to_string);
        let value = at.json.map(|json| json.get().to_owned()).or_else(known);
        let message = match &broken.message {
            Some(message) => message.clone().into_owned(),
            None => rule::message(broken, value.as_deref()),
        };
        let value = value.filter(|_| !at.secret && !at.path.is_empty()).as_deref().map(shown);
        self.errors.push(FieldError {
            path: wire::shown(at.path),
            code: broken.code.clone().into_owned(),
            message,
            value,
        });
    }
}

impl<'a> Broken<'a> {
    fn new(name: &str, kind: &'a ValidationErrorsKind, at: At<'a>, entries: &Entries<'a>) -> Self {
        let At { path, json, secret, .. } = at;
        if name == WHOLE || name == ITEMS {
            return Self { rank: usize::MAX, path: path.to_owned(), json, secret, kind };
        }
        let name = name.strip_prefix("r#").unwrap_or(name);
        if let Some((rank, field)) = at.fields.iter().enumerate().find(|(_, field)| field.name == name) {
            let secret = secret || field.secret;
            if field.flat {
                return Self { rank, path: path.to_owned(), json, secret, kind };
            }
            let json = entries.field(field.wire).map(|(_, _, value)| value);
            return Self { rank, path: joined(path, field.wire), json, secret, kind };
        }
        match entries.field(name) {
            Some((rank, key, value)) => Self { rank, path: joined(path, key), json: Some(value), secret, kind },
            // Behind those whose place is known.
            None => Self { rank: usize::MAX - 1, path: joined(path, name), json: None, secret, kind },
        }
    }
}
