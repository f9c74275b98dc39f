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
    let documents = all.iter();
    let documents = documents.map(|(surface, one)| prefixed(*surface, one.clone()));
    let documents: Vec<Value> = documents.collect();
    let errors = documents.iter().map(|one| &one["components"]["responses"]);
    let errors = errors.filter_map(Value::as_object).flatten();
    let errors: Map<String, Value> = errors
        .map(|(name, one)| (name.clone(), one.clone()))
        .collect();
    let mut documents = documents.into_iter();
    let Some(mut merged) = documents.next() else {
        return Value::Null;
    };
    for document in documents {
        merge(&mut merged, document, &errors);
    }
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

fn prefixed(surface: Surface, mut document: Value) -> Value {
    let prefix = capital(surface.name());
    for part in NAMED {
        if let Some(named) = document["components"][part].as_object_mut() {
            let renamed = std::mem::take(named).into_iter();
            *named = renamed
                .map(|(name, value)| (format!("{prefix}{name}"), value))
                .collect();
        }
    }
    point(&mut document, &prefix);
    let scheme = format!("{prefix}key");
    let security = json!([{ scheme: [] }]);
    for methods in members(&mut document["paths"]) {
        for operation in members(methods) {
            self_contained(operation, surface, &prefix, Some(&security));
        }
    }
    for methods in members(&mut document["webhooks"]) {
        for operation in members(methods) {
            self_contained(operation, surface, &prefix, None);
        }
    }
    document["tags"] = json!([{ "name": surface.name() }]);
    if let Some(document) = document.as_object_mut() {
        document.remove("security");
        let events = document.get_mut("webhooks").map(Value::take);
        let events = match events {
            Some(Value::Object(events)) => events,
            _ => Map::new(),
        };
        let events = events
            .into_iter()
            .map(|(name, event)| (format!("{}.{name}", surface.name()), event));
        document.insert("webhooks".to_owned(), Value::Object(events.collect()));
    }
    document
}

fn members(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flat_map(Map::values_mut)
}

/// Copies into an operation what its document defines for all operations, and adds the surface to
/// its id, summary and tags.
fn self_contained(operation: &mut Value, surface: Surface, prefix: &str, security: Option<&Value>) {
    let name = operation["operationId"].as_str().unwrap_or_default();
    operation["operationId"] = format!("{}{}", surface.name(), capital(name)).into();
    let summary = operation["summary"].as_str().unwrap_or_default();
    operation["summary"] = format!("{prefix}: {summary}").into();
    operation["tags"] = json!([surface.name()]);
    if let Some(security) = security
        && operation.get("security").is_none()
    {
        operation["security"] = security.clone();
    }
}

/// Adds the prefix to the names in references.
fn point(value: &mut Value, prefix: &str) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get_mut("$ref") {
                for part in NAMED {
                    let place = format!("#/components/{part}/");
                    if let Some(name) = target.strip_prefix(&place) {
                        *target = format!("{place}{prefix}{name}");
                        break;
                    }
                }
            }
            members.values_mut().for_each(|value| point(value, prefix));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| point(value, prefix)),
        _ => {}
    }
}

fn merge(merged: &mut Value, document: Value, errors: &Map<String, Value>) {
    let Value::Object(mut document) = document else {
        return;
    };
    if let (Some(all), Some(Value::Array(more))) =
        (merged["tags"].as_array_mut(), document.remove("tags"))
    {
        all.extend(more);
    }
    for (path, methods) in taken(document.remove("paths")) {
        for (method, operation) in taken(Some(methods)) {
            let there = &mut merged["paths"][&path][&method];
            let was = there.take();
            *there = if was.is_null() {
                operation
            } else {
                both(was, operation, errors)
            };
        }
    }
    for (name, event) in taken(document.remove("webhooks")) {
        merged["webhooks"][name] = event;
    }
    for (part, named) in taken(document.remove("components")) {
        for (name, value) in taken(Some(named)) {
            merged["components"][&part][name] = value;
        }
    }
}

fn taken(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// Merges the operations of two surfaces with the same path and method.
fn both(mut one: Value, mut other: Value, errors: &Map<String, Value>) -> Value {
    for name in ["operationId", "summary", "description"] {
        let (first, second) = (text(&one[name]), text(&other[name]));
        let joint = match name {
            "operationId" => format!("{first}Or{}", capital(&second)),
            "summary" => format!("{first}; {second}"),
            _ => format!("{first} {second}").trim().to_owned(),
        };
        if !joint.is_empty() {
            one[name] = joint.into();
        }
    }
    for name in ["tags", "security"] {
        append(&mut one[name], other[name].take(), |_, _| false);
    }
    let is_same = |one: &Value, other: &Value| {
        let name = |value: &Value| (value["name"].clone(), value["in"].clone());
        one.get("name").is_some() && name(one) == name(other)
            || text(&one["$ref"]).contains("IdempotencyKey")
                && text(&other["$ref"]).contains("IdempotencyKey")
    };
    append(&mut one["parameters"], other["parameters"].take(), is_same);
    let (mine, its) = (one["requestBody"].take(), other["requestBody"].take());
    if let Some(body) = either(mine, its, errors) {
        one["requestBody"] = body;
    } else if let Some(one) = one.as_object_mut() {
        one.remove("requestBody");
    }
    for (status, response) in taken(Some(other["responses"].take())) {
        let there = one["responses"][&status].take();
        if let Some(response) = either(there, response, errors) {
            one["responses"][&status] = response;
        }
    }
    one
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn append(all: &mut Value, more: Value, is_same: impl Fn(&Value, &Value) -> bool) {
    if let (Some(all), Value::Array(more)) = (all.as_array_mut(), more) {
        for one in more {
            if !all.iter().any(|other| is_same(other, &one)) {
                all.push(one);
            }
        }
    }
}

/// Merges two request bodies or responses into one that allows both.
fn either(one: Value, other: Value, errors: &Map<String, Value>) -> Option<Value> {
    match (one, other) {
        (Value::Null, Value::Null) => None,
        (Value::Null, one) | (one, Value::Null) => Some(one),
        (mut one, other) => {
            match (one.get("$ref"), other.get("$ref")) {
                (Some(_), Some(_)) => return Some(error_response(&one, &other, errors)),
                // Only a shared 401 is inline, and it already describes both surfaces.
                (Some(_), None) => return Some(other),
                (None, Some(_)) => return Some(one),
                (None, None) => {}
            }
            let content = &mut one["content"]["application/json"];
            let schemas = [
                &content["schema"],
                &other["content"]["application/json"]["schema"],
            ];
            content["schema"] = json!({ "anyOf": schemas });
            if let Some(description) = other["description"].as_str() {
                one["description"] =
                    format!("{} Or: {description}", text(&one["description"])).into();
            }
            Some(one)
        }
    }
}

/// Merges the error responses of two surfaces. `anyOf` works for schemas but not for references to
/// whole responses, so the result refers to the schemas.
fn error_response(one: &Value, other: &Value, errors: &Map<String, Value>) -> Value {
    let names = [one, other].map(|refusal| {
        let name = text(&refusal["$ref"]);
        name.rsplit('/').next().unwrap_or_default().to_owned()
    });
    let shape = |name: &String| Some(&errors.get(name)?["content"]["application/json"]["schema"]);
    let schemas: Vec<&Value> = names.iter().filter_map(shape).collect();
    json!({
        "description": format!("Rejected: see `{}`.", names.join("` and `")),
        "content": { "application/json": { "schema": { "anyOf": schemas } } },
    })
}
