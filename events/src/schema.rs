//! JSON Schemas of payloads: what `schemars` writes of a type, cut to one event.

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use crate::catalog::{Catalog, EventInfo};

/// The schema of a whole type, in which an enum still has its tags.
pub(crate) fn of<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

impl Catalog {
    /// The JSON Schema, of draft 2020-12, of the payload of an event that has a name, or has it for an alias.
    ///
    /// Doc comments are its descriptions; the rules of `#[validate(..)]` that JSON Schema knows are its limits. None for a
    /// name that nothing has, and for a type that does not derive `schemars::JsonSchema`, version 1.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::Event;
    /// use schemars::JsonSchema;
    /// use validator::Validate;
    ///
    /// #[derive(Event, JsonSchema, Validate)]
    /// struct CatFed {
    ///     /// How many it got.
    ///     #[validate(range(min = 1, max = 10))]
    ///     fish: u32,
    /// }
    ///
    /// # fn main() {
    /// let schema = events::catalog().schema("cat-fed").expect("the type derives it");
    /// assert_eq!(schema["properties"]["fish"]["description"], "How many it got.");
    /// assert_eq!(schema["properties"]["fish"]["maximum"], 10);
    /// # }
    /// ```
    pub fn schema(&self, name: &str) -> Option<Value> {
        self.event(name)?.schema()
    }
}

impl EventInfo {
    /// The JSON Schema of the payload. See [`Catalog::schema`].
    pub fn schema(&self) -> Option<Value> {
        let whole = self.decl().schema?();
        match self.declared().wire {
            Some(variant) => of_variant(&whole, variant, self.decl().type_name),
            None => Some(whole),
        }
    }
}

/// The schema of the fields of a variant, from that of an enum in serde's default form, `{"Variant": fields}`.
fn of_variant(whole: &Value, variant: &str, type_name: &str) -> Option<Value> {
    let alone = std::slice::from_ref(whole);
    let mut forms = whole["oneOf"].as_array().map_or(alone, Vec::as_slice).iter();
    let (form, mut fields) = forms.find_map(|form| fields_of(form, variant).map(|fields| (form, fields)))?;
    for inherited in ["title", "description"] {
        if let Some(text) = form.get(inherited).filter(|_| form != whole && fields.get(inherited).is_none()) {
            fields.insert(inherited.into(), text.clone());
        }
    }
    fields.insert("$schema".into(), whole["$schema"].clone());
    let mut fields = Value::Object(fields);
    let mut definitions = whole["$defs"].as_object().cloned().unwrap_or_default();
    let itself = format!("#/$defs/{type_name}");
    // What was the root, and refers to itself, is no root any more.
    if redirect(&mut fields, &itself)
        | definitions.values_mut().fold(false, |any, value| redirect(value, &itself) | any)
    {
        let mut root = whole.as_object()?.clone();
        root.retain(|key, _| !matches!(key.as_str(), "$schema" | "$defs"));
        let mut root = Value::Object(root);
        redirect(&mut root, &itself);
        definitions.insert(type_name.into(), root);
    }
    if !definitions.is_empty() {
        fields["$defs"] = Value::Object(definitions);
    }
    Some(fields)
}

fn fields_of(form: &Value, variant: &str) -> Option<Map<String, Value>> {
    if let Some(fields) = form["properties"].get(variant) {
        // A schema may be `true`, which everything fits.
        return Some(fields.as_object().cloned().unwrap_or_default());
    }
    let is_unit =
        form["const"] == variant || form["enum"].as_array().is_some_and(|all| all.iter().any(|one| one == variant));
    is_unit.then(|| Map::from_iter([("type".into(), json!("null"))]))
}

/// Makes references to the root lead elsewhere; says whether there were any.
fn redirect(schema: &mut Value, to: &str) -> bool {
    match schema {
        Value::Object(entries) => entries.iter_mut().fold(false, |any, (key, value)| {
            if key == "$ref" && value == "#" {
                *value = to.into();
                return true;
            }
            redirect(value, to) | any
        }),
        Value::Array(items) => items.iter_mut().fold(false, |any, item| redirect(item, to) | any),
        _ => false,
    }
}
