//! What a payload's own rules said about it.

use std::any::Any;
use std::fmt;

use validator::{Validate, ValidationErrors as Raw, ValidationErrorsKind};

/// The rules of a payload that a value broke, one entry for each field and rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationErrors {
    fields: Vec<FieldError>,
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct FieldError {
    /// The path of the field from the payload's root: `orders[2].fish`.
    pub path: String,
    /// The name of the rule: `range`, `length`, `email`.
    pub code: String,
    /// What the rule's author has to say.
    pub message: Option<String>,
}

impl ValidationErrors {
    /// The broken rules, by path.
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }
}

impl fmt::Display for ValidationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, field) in self.fields.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{field}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ValidationErrors {}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` breaks the rule `{}`", self.path, self.code)?;
        match &self.message {
            Some(message) => write!(f, " ({message})"),
            None => Ok(()),
        }
    }
}

pub(crate) fn validate<E: Validate + 'static>(payload: &dyn Any) -> Result<(), ValidationErrors> {
    let Some(payload) = payload.downcast_ref::<E>() else {
        return Ok(());
    };
    payload.validate().map_err(|raw| {
        let mut fields = Vec::new();
        flatten(&raw, "", &mut fields);
        fields.sort();
        ValidationErrors { fields }
    })
}

fn flatten(errors: &Raw, prefix: &str, out: &mut Vec<FieldError>) {
    for (field, kind) in errors.errors() {
        let path = match (prefix, &**field) {
            (_, "__all__") if !prefix.is_empty() => prefix.to_owned(),
            ("", field) => field.to_owned(),
            (prefix, field) => format!("{prefix}.{field}"),
        };
        match kind {
            ValidationErrorsKind::Struct(inner) => flatten(inner, &path, out),
            ValidationErrorsKind::List(items) => {
                for (i, inner) in items {
                    flatten(inner, &format!("{path}[{i}]"), out);
                }
            }
            ValidationErrorsKind::Field(broken) => out.extend(broken.iter().map(|rule| FieldError {
                path: path.clone(),
                code: rule.code.clone().into_owned(),
                message: rule.message.clone().map(std::borrow::Cow::into_owned),
            })),
        }
    }
}
