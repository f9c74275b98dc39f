//! Merges the documents of all surfaces into one `OpenAPI` document.
//!
//! This is done here because no library merges two operations with the same path and method. Names
//! get their surface as a prefix, so that they are unique. Where surfaces share a path and method,
//! the credential selects the surface, and the merged operation describes both.

#![expect(
    clippy::indexing_slicing,
    reason = "documents are built of objects; a member that is set and missing is created"
)]

use domain::surface::Surface;
use serde_json::{Map, Value, json};

use super::schemas::capital;

/// The components of a document whose names could collide.
const NAMED: [&str; 4] = ["schemas", "responses", "parameters", "securitySchemes"];

/// Creates the document of all surfaces.
pub fn of(all: &[(Surface, Value)]) -> Value {
    let documents = all.iter().map(|(surface, one)| prefixed(*surface, one));
    let Some(mut merged) = documents.reduce(merge) else {
        return Value::Null;
    };
    merged["info"]["title"] = "Sluice".into();
    merged["info"]["summary"] = "A payment gateway with four public APIs.".into();
    merged["info"]["description"] =
        "Where two surfaces share a path, the credential selects the surface: Bearer is paygate, \
         Basic and Api-Key are fourgeeks, and at `/v1/webhooks` X-API-Key is finternet. With \
         X-API-Key elsewhere, or without a key, the path selects it: reading one payment, \
         `/v1/refunds`, `/v1/payments/session`, `/v1/payments/public`, and the payment and \
         customer paths that end in a slash are fourgeeks; the rest of `/v1` is paygate, except \
         `/v1/payment-intents`, which is always finternet."
            .into();
    merged
}

fn prefixed(surface: Surface, document: &Value) -> Value {
    let prefix = capital(surface.name());
    let mut written = document.to_string();
    for part in NAMED {
        let place = format!("#/components/{part}/");
        written = written.replace(&place, &format!("{place}{prefix}"));
    }
    let mut document: Value = serde_json::from_str(&written).unwrap_or_default();
    for part in NAMED {
        rename(&mut document["components"][part], &prefix);
    }
    // Copies into each operation what the document defines for all of them.
    let scheme = format!("{prefix}key");
    for part in ["paths", "webhooks"] {
        for operation in members(&mut document[part]).flat_map(members) {
            let id = capital(text(&operation["operationId"]));
            operation["operationId"] = format!("{}{id}", surface.name()).into();
            operation["summary"] = format!("{prefix}: {}", text(&operation["summary"])).into();
            operation["tags"] = json!([surface.name()]);
            if operation.get("security").is_none() {
                operation["security"] = json!([{ &scheme: [] }]);
            }
        }
    }
    document["tags"] = json!([{ "name": surface.name() }]);
    rename(&mut document["webhooks"], &format!("{}.", surface.name()));
    if let Some(document) = document.as_object_mut() {
        document.remove("security");
    }
    document
}

/// Adds the prefix to the names of an object's members.
fn rename(object: &mut Value, prefix: &str) {
    let named = taken(object.take()).into_iter();
    *object = named
        .map(|(name, one)| (format!("{prefix}{name}"), one))
        .collect();
}

fn members(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flat_map(Map::values_mut)
}

fn taken(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn merge(mut merged: Value, mut document: Value) -> Value {
    // Components come first: the errors among them are read to merge operations.
    for (part, named) in taken(document["components"].take()) {
        extend(&mut merged["components"][part], named);
    }
    extend(&mut merged["webhooks"], document["webhooks"].take());
    append(&mut merged["tags"], document["tags"].take());
    let mut paths = merged["paths"].take();
    for (path, methods) in taken(document["paths"].take()) {
        for (method, operation) in taken(methods) {
            let there = &mut paths[&path][&method];
            *there = match there.take() {
                Value::Null => operation,
                other => both(other, operation, &merged["components"]["responses"]),
            };
        }
    }
    merged["paths"] = paths;
    merged
}

fn extend(all: &mut Value, more: Value) {
    if let Some(all) = all.as_object_mut() {
        all.extend(taken(more));
    }
}

/// Adds items to an array, except for a parameter that it already has.
fn append(all: &mut Value, more: Value) {
    let is_key = |one: &Value| text(&one["$ref"]).contains("IdempotencyKey");
    let is_same = |one: &Value, other: &Value| {
        let is_named = !one["name"].is_null() && one["in"] == other["in"];
        is_named && one["name"] == other["name"] || is_key(one) && is_key(other)
    };
    if let (Some(all), Value::Array(more)) = (all.as_array_mut(), more) {
        for one in more {
            if !all.iter().any(|other| is_same(other, &one)) {
                all.push(one);
            }
        }
    }
}

/// Merges the operations of two surfaces with the same path and method.
fn both(mut one: Value, mut other: Value, errors: &Value) -> Value {
    let joint = |name: &str, between: &str| {
        let (first, second) = (text(&one[name]), text(&other[name]));
        format!("{first}{between}{second}").trim().to_owned()
    };
    let (summary, description) = (joint("summary", "; "), joint("description", " "));
    let id = capital(text(&other["operationId"]));
    one["operationId"] = format!("{}Or{id}", text(&one["operationId"])).into();
    one["summary"] = summary.into();
    if !description.is_empty() {
        one["description"] = description.into();
    }
    for name in ["tags", "security", "parameters"] {
        append(&mut one[name], other[name].take());
    }
    for (status, response) in taken(other["responses"].take()) {
        let there = &mut one["responses"][status];
        *there = either(there.take(), response, errors);
    }
    if let Some(body) = other.get_mut("requestBody").map(Value::take) {
        let there = &mut one["requestBody"];
        *there = either(there.take(), body, errors);
    }
    one
}

/// Merges two request bodies or responses into one that allows both.
fn either(one: Value, other: Value, errors: &Value) -> Value {
    let (mut one, other) = match (one, other) {
        (Value::Null, one) | (one, Value::Null) => return one,
        both => both,
    };
    match (one.get("$ref"), other.get("$ref")) {
        (Some(_), Some(_)) => return error_response(&one, &other, errors),
        // Only a shared 401 is inline, and it already describes both surfaces.
        (Some(_), None) => return other,
        (None, Some(_)) => return one,
        (None, None) => {}
    }
    let schemas = [&one, &other].map(|one| &one["content"]["application/json"]["schema"]);
    let schemas = json!({ "anyOf": schemas });
    one["content"]["application/json"]["schema"] = schemas;
    if let Some(description) = other["description"].as_str() {
        one["description"] = format!("{} Or: {description}", text(&one["description"])).into();
    }
    one
}

/// Merges the error responses of two surfaces. `anyOf` works for schemas but not for references to
/// whole responses, so the result refers to the schemas.
fn error_response(one: &Value, other: &Value, errors: &Value) -> Value {
    let names = [one, other].map(|one| text(&one["$ref"]).rsplit('/').next().unwrap_or_default());
    let schemas = names.map(|name| &errors[name]["content"]["application/json"]["schema"]);
    json!({
        "description": format!("Rejected: see `{}`.", names.join("` and `")),
        "content": { "application/json": { "schema": { "anyOf": schemas } } },
    })
}
