//! The words of a surface as JSON Schema, which is `OpenAPI` 3.1's own.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value};

/// Where a document keeps its schemas.
pub const SCHEMAS: &str = "/components/schemas";

/// Formats that only some languages know.
const FORMATS: [&str; 6] = ["int32", "int64", "uuid", "date", "date-time", "uri"];

/// The greatest integers of small types: bounds of the machine, not of what is meant.
const MACHINE_MAX: [u64; 2] = [255, 65_535];

/// What is meant by the members that are such integers.
const RANGES: [(&str, u16, u16); 2] = [("exp_month", 1, 12), ("exp_year", 2000, 2099)];

/// What requests and answers look like; each name once.
pub struct Words {
    asked: SchemaGenerator,
    told: SchemaGenerator,
    more: Map<String, Value>,
}

impl Words {
    /// No words yet.
    pub fn new() -> Self {
        let settings = || {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = SCHEMAS.into();
            settings
        };
        Self {
            asked: settings().for_deserialize().into_generator(),
            told: settings().for_serialize().into_generator(),
            more: Map::new(),
        }
    }

    /// What a request must be.
    pub fn asked<T: JsonSchema>(&mut self) -> Value {
        self.asked.subschema_for::<T>().to_value()
    }

    /// What an answer looks like.
    pub fn told<T: JsonSchema>(&mut self) -> Value {
        self.told.subschema_for::<T>().to_value()
    }

    /// A schema of our own making, under a name.
    pub fn add(&mut self, name: &str, schema: Value) -> Value {
        self.more.insert(name.to_owned(), schema);
        serde_json::json!({ "$ref": format!("#{SCHEMAS}/{name}") })
    }

    /// The members of a struct as parameters of the query.
    pub fn parameters<T: JsonSchema>(&mut self) -> Vec<Value> {
        let mut schema = T::json_schema(&mut self.asked).to_value();
        let required = schema.get("required").cloned().unwrap_or_default();
        let is_required = |name: &str| {
            let names = required.as_array();
            names.is_some_and(|names| names.iter().any(|one| one == name))
        };
        let members = schema.get_mut("properties").map(Value::take);
        let Some(Value::Object(members)) = members else {
            return Vec::new();
        };
        let parameter = |(name, mut schema): (String, Value)| {
            tidy(&mut schema);
            without_null(&mut schema);
            let description = schema
                .as_object_mut()
                .and_then(|schema| schema.remove("description"));
            serde_json::json!({
                "name": name, "in": "query", "required": is_required(&name),
                "description": description, "schema": schema,
            })
        };
        members.into_iter().map(parameter).collect()
    }

    /// All of them by name.
    pub fn into_schemas(mut self) -> Map<String, Value> {
        let mut schemas = self.asked.take_definitions(true);
        schemas.extend(self.told.take_definitions(true));
        schemas.extend(self.more);
        schemas.values_mut().for_each(tidy);
        schemas
    }
}

/// Takes the formats off that clients do not know, and the lines' ends out of sentences.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            name_choices(members);
            if let Some(Value::Object(named)) = members.get_mut("properties") {
                named
                    .iter_mut()
                    .for_each(|(name, member)| bound(name, member));
            }
            let format = members.get("format").and_then(Value::as_str);
            if format.is_some_and(|format| !FORMATS.contains(&format)) {
                members.remove("format");
            }
            if let Some(Value::String(description)) = members.get_mut("description") {
                *description = description.replace("\n ", " ");
            }
            members.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// Puts what is meant in the place of the machine's bounds.
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

/// Writes a choice of words as one list of them: generators of clients know that best.
fn name_choices(members: &mut Map<String, Value>) {
    let words = members.get("oneOf").and_then(Value::as_array);
    let words = words.and_then(|words| {
        let named = words
            .iter()
            .map(|word| Some((word.get("const")?, word.get("description")?)));
        named.collect::<Option<Vec<(&Value, &Value)>>>()
    });
    let Some(words) = words else { return };
    let said = members.get("description").and_then(Value::as_str);
    let lines = words.iter().map(|(word, said)| {
        let (word, said) = (word.as_str(), said.as_str());
        format!(
            "\n- `{}`: {}",
            word.unwrap_or_default(),
            said.unwrap_or_default()
        )
    });
    let said: String = said.map(str::to_owned).into_iter().chain(lines).collect();
    let words: Value = words.into_iter().map(|(word, _)| word.clone()).collect();
    members.remove("oneOf");
    members.insert("type".to_owned(), "string".into());
    members.insert("enum".to_owned(), words);
    members.insert("description".to_owned(), said.into());
}

/// A parameter that is not there is left out; it is never null.
fn without_null(schema: &mut Value) {
    let kinds = schema.get("type").and_then(Value::as_array);
    let kind = kinds.and_then(|kinds| kinds.iter().find(|kind| *kind != "null"));
    if let Some(kind) = kind.cloned()
        && let Some(schema) = schema.as_object_mut()
    {
        schema.insert("type".to_owned(), kind);
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
}

/// A word with a capital.
pub fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
