//! What a schema says, as lists of fields: the required ones first, in the order of their struct,
//! then the others by name. (A struct's whole order is lost in `serde_json`'s sorted objects, which
//! the fingerprints of requests rely on.)

use maud::{Markup, html};
use serde_json::Value;

use super::guide::marked;
use crate::openapi::Surfaced;

/// How many structs stand in one another before a list says no more.
const DEPTH_MAX: usize = 3;

/// The fields of a schema, and of what stands in them.
pub fn members(surfaced: &Surfaced, schema: &Value) -> Markup {
    nested(surfaced, schema, DEPTH_MAX)
}

fn nested(surfaced: &Surfaced, schema: &Value, depth: usize) -> Markup {
    let structs = inner(surfaced, schema);
    let structs = structs
        .into_iter()
        .filter(|one| one["properties"].is_object());
    html! {
        @for one in structs {
            dl.fields {
                @for (name, member, is_required) in ordered(one) {
                    (field(surfaced, name, &member["description"], member, is_required))
                    @if depth > 0 {
                        @let below = inner(surfaced, member);
                        @if below.iter().any(|one| one["properties"].is_object()) {
                            dd.below { (nested(surfaced, member, depth - 1)) }
                        }
                    }
                }
            }
        }
    }
}

/// The members of a struct, with whether they are required.
fn ordered(schema: &Value) -> Vec<(&str, &Value, bool)> {
    let required = schema["required"].as_array().into_iter().flatten();
    let required: Vec<&str> = required.filter_map(Value::as_str).collect();
    let members = schema["properties"].as_object().into_iter().flatten();
    let place = |name: &str| required.iter().position(|one| *one == name);
    let mut members: Vec<(usize, &str, &Value)> = members
        .map(|(name, member)| (place(name).unwrap_or(usize::MAX), name.as_str(), member))
        .collect();
    members.sort_by_key(|(place, ..)| *place);
    let members = members.into_iter();
    members
        .map(|(place, name, member)| (name, member, place != usize::MAX))
        .collect()
}

/// What a reference points to.
fn resolved<'a>(surfaced: &'a Surfaced, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"]
        .as_str()
        .and_then(|target| target.rsplit('/').next());
    let found = target.and_then(|name| surfaced.schemas.get(name));
    found.unwrap_or(schema)
}

/// The schemas behind one that may be a list of them, or one of several or nothing.
fn inner<'a>(surfaced: &'a Surfaced, schema: &'a Value) -> Vec<&'a Value> {
    let schema = resolved(surfaced, schema);
    if let Some(either) = schema["anyOf"].as_array() {
        return either.iter().flat_map(|one| inner(surfaced, one)).collect();
    }
    match schema.get("items") {
        Some(items) => inner(surfaced, items),
        None => vec![schema],
    }
}

/// A field or a parameter.
pub fn field(
    surfaced: &Surfaced,
    name: &str,
    said: &Value,
    schema: &Value,
    is_required: bool,
) -> Markup {
    let behind = inner(surfaced, schema);
    let choice = behind.into_iter().find(|one| !words(one).is_empty());
    let mut text = said.as_str().unwrap_or_default().to_owned();
    // A choice that stands elsewhere is explained there.
    let explained = choice.and_then(|one| one["description"].as_str());
    let explained = explained.and_then(|text| text.find("\n- ").and_then(|at| text.get(at..)));
    if let Some(words) = explained.filter(|words| !text.contains(words)) {
        text.push('\n');
        text.push_str(words);
    }
    let words = choice.filter(|_| explained.is_none()).map(words);
    let is_said = |word: &&str| text.contains(&format!("`{word}`"));
    let words = words.filter(|words| !words.iter().all(is_said));
    html! {
        dt {
            code { (name) }
            span.kind { (kind(surfaced, schema)) }
            @if is_required { span.required { "required" } }
            @if let Some(default) = schema.get("default") {
                span.kind { "default " code { (default) } }
            }
        }
        dd {
            (marked(&text))
            @if let Some(words) = words {
                p.words { @for word in words { code { (word) } " " } }
            }
        }
    }
}

/// The words that a text must be one of, as a list of them or as a pattern, `^(one|other)$`.
fn words(schema: &Value) -> Vec<&str> {
    let listed = schema["enum"].as_array().into_iter().flatten();
    let listed = listed.filter_map(Value::as_str);
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    let inner = pattern
        .strip_prefix("^(")
        .and_then(|rest| rest.strip_suffix(")$"));
    let is_word = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase());
    let of_pattern = inner.into_iter().flat_map(|inner| inner.split('|'));
    listed.chain(of_pattern.filter(is_word)).collect()
}

/// What a value is, in a word or some.
fn kind(surfaced: &Surfaced, schema: &Value) -> String {
    let schema = resolved(surfaced, schema);
    let either = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
    if let Some(either) = either {
        let mut kinds: Vec<String> = either.iter().map(|one| kind(surfaced, one)).collect();
        kinds.dedup();
        return kinds.join(" or ");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return "any value".to_owned(),
    };
    let kinds = kinds.into_iter().map(|kind| match kind {
        "array" => format!("array of {}", self::kind(surfaced, &schema["items"])),
        "integer" | "number" => format!("{kind}{}", range(schema, "minimum", "maximum", "")),
        "string" => {
            let range = range(schema, "minLength", "maxLength", " characters");
            format!(
                "{kind}{}",
                if range.is_empty() {
                    range
                } else {
                    format!(" of{range}")
                }
            )
        }
        kind => kind.to_owned(),
    });
    kinds.collect::<Vec<_>>().join(" or ")
}

/// Bounds in words, ` 1 to 12`.
fn range(schema: &Value, least: &str, most: &str, of: &str) -> String {
    match (schema[least].as_i64(), schema[most].as_i64()) {
        (Some(least), Some(most)) if least == most => format!(" {most}{of}"),
        (Some(least), Some(most)) => format!(" {least} to {most}{of}"),
        (None, Some(most)) => format!(" at most {most}{of}"),
        (Some(least), None) if least > 0 => format!(" at least {least}{of}"),
        _ => String::new(),
    }
}
