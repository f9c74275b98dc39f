//! Generates schemas from the types of `wire`: JSON Schema 2020-12, the dialect of `OpenAPI` 3.1.

use std::cell::RefCell;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// JSON pointer to the schemas in a document.
const SCHEMAS_PATH: &str = "/components/schemas";

/// The formats that are kept. Others, such as `uint32`, are unknown to most clients.
const FORMATS: [&str; 6] = ["int32", "int64", "uuid", "date", "date-time", "uri"];

/// Maximums that come from the types `u8` and `u16`, not from the meaning of a field.
const MACHINE_MAX: [u64; 2] = [255, 65_535];

/// The actual ranges of fields with such a type.
const RANGES: [(&str, u16, u16); 2] = [("exp_month", 1, 12), ("exp_year", 2000, 2099)];

thread_local! {
    static SCHEMAS: RefCell<Schemas> = RefCell::new(Schemas::new());
}

/// The schemas of the document that this thread generates. Requests and responses each have a
/// generator here, because their required fields differ; aide has one generator for both.
struct Schemas {
    request: SchemaGenerator,
    response: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12()
            .with(|settings| settings.definitions_path = SCHEMAS_PATH.into())
            .with_transform(RecursiveTransform(tidy));
        Self {
            request: settings.clone().for_deserialize().into_generator(),
            response: settings.for_serialize().into_generator(),
        }
    }
}

/// The schema of a type in a request.
pub fn request<T: JsonSchema>() -> Value {
    SCHEMAS.with_borrow_mut(|all| all.request.subschema_for::<T>().to_value())
}

/// The schema of a type in a response.
pub fn response<T: JsonSchema>() -> Value {
    SCHEMAS.with_borrow_mut(|all| all.response.subschema_for::<T>().to_value())
}

/// The fields of a struct as query parameters.
pub fn parameters<T: JsonSchema>() -> Vec<Value> {
    let mut schema = SCHEMAS.with_borrow_mut(|all| T::json_schema(&mut all.request));
    RecursiveTransform(tidy).transform(&mut schema);
    let required = schema.remove("required").unwrap_or_default();
    let Some(Value::Object(properties)) = schema.remove("properties") else {
        return Vec::new();
    };
    let parameter = |(name, mut schema): (String, Value)| {
        without_null(&mut schema);
        let members = schema.as_object_mut();
        let description = members.and_then(|members| members.remove("description"));
        let is_required = required
            .as_array()
            .is_some_and(|all| all.contains(&json!(name)));
        json!({
            "name": name, "in": "query", "required": is_required,
            "description": description, "schema": schema,
        })
    };
    properties.into_iter().map(parameter).collect()
}

/// Returns all schemas by name, and resets them for the next document.
pub fn take() -> Map<String, Value> {
    let Schemas {
        mut request,
        mut response,
    } = SCHEMAS.replace(Schemas::new());
    let mut schemas = request.take_definitions(true);
    schemas.extend(response.take_definitions(true));
    schemas
}

/// Adapts a schema for clients: enums instead of choices of constants, actual ranges, and no
/// unknown formats. Also removes line breaks within the sentences of descriptions.
fn tidy(schema: &mut Schema) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    name_choices(members);
    if let Some(Value::Object(properties)) = members.get_mut("properties") {
        for (name, property) in properties {
            bound(name, property);
        }
    }
    let format = members.get("format").and_then(Value::as_str);
    if format.is_some_and(|format| !FORMATS.contains(&format)) {
        members.remove("format");
    }
    if let Some(Value::String(description)) = members.get_mut("description") {
        *description = description.replace("\n ", " ");
    }
}

/// Replaces the maximum of the Rust type with the actual range of the field, if it has one.
fn bound(name: &str, member: &mut Value) {
    let most = member.get("maximum").and_then(Value::as_u64);
    let Some(member) = member.as_object_mut() else {
        return;
    };
    if !most.is_some_and(|most| MACHINE_MAX.contains(&most)) {
        return;
    }
    member.remove("maximum");
    if let Some((_, least, most)) = RANGES.iter().find(|(one, ..)| *one == name) {
        member.insert("minimum".to_owned(), (*least).into());
        member.insert("maximum".to_owned(), (*most).into());
    }
}

/// Replaces a `oneOf` of constants with one `enum`, which client generators support best.
fn name_choices(members: &mut Map<String, Value>) {
    let choices = members.get("oneOf").and_then(Value::as_array);
    let choices = choices.and_then(|choices| {
        let text = |choice: &Value, name| choice.get(name)?.as_str().map(str::to_owned);
        let choices = choices.iter();
        let named = choices.map(|one| Some((text(one, "const")?, text(one, "description")?)));
        named.collect::<Option<Vec<_>>>()
    });
    let Some(choices) = choices else { return };
    let description = members.get("description").and_then(Value::as_str);
    let mut description = description.unwrap_or_default().to_owned();
    let lines = choices
        .iter()
        .map(|(value, meaning)| format!("\n- `{value}`: {meaning}"));
    description.extend(lines);
    let values: Value = choices.into_iter().map(|(value, _)| value).collect();
    members.remove("oneOf");
    members.insert("type".to_owned(), "string".into());
    members.insert("enum".to_owned(), values);
    members.insert("description".to_owned(), description.into());
}

/// Removes null from a parameter's schema: a parameter without a value is omitted, never null.
fn without_null(schema: &mut Value) {
    let kinds = schema.get("type").and_then(Value::as_array);
    let kind = kinds.and_then(|kinds| kinds.iter().find(|kind| *kind != "null"));
    if let Some(kind) = kind.cloned()
        && let Some(schema) = schema.as_object_mut()
    {
        schema.insert("type".to_owned(), kind);
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
}

/// Converts the first letter to upper case.
pub fn capital(value: &str) -> String {
    let mut letters = value.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
