//! Completes the document that aide generates for a surface.
//!
//! It adds what a surface defines once for all operations (errors, headers, events, the idempotency
//! key), and what aide cannot express (operations without security, and path parameters of handlers
//! that parse their path leniently).

#![expect(
    clippy::indexing_slicing,
    reason = "documents are built of objects; a member that is set and missing is created"
)]

use serde_json::{Map, Value, json};

use super::operation::ALSO;
use super::{About, schemas};

/// The version of the API, not of the gateway.
const VERSION: &str = "1.0.0";

/// Creates the document of a surface from the `paths` of its operations.
pub fn of(about: &About, mut paths: Value) -> Value {
    let mut groups: Vec<Value> = Vec::new();
    for (path, methods) in paths.as_object_mut().into_iter().flatten() {
        for (_, operation) in methods.as_object_mut().into_iter().flatten() {
            complete(about, path, operation);
            let group = json!({ "name": operation["tags"][0] });
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
    }
    if !about.events.is_empty() {
        groups.push(json!({ "name": "Events" }));
    }
    let responses = errors(about, &paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("Sluice: {}", about.surface.name()),
            "version": VERSION,
            "summary": about.summary,
            "description": about.description,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [
            { "url": "/", "description": "This gateway" },
            { "url": "/api", "description": "This gateway, with the prefix /api" },
        ],
        "security": [{ "key": [] }],
        "tags": groups,
        "paths": paths,
        "webhooks": webhooks(about),
        "components": {
            "securitySchemes": { "key": about.security },
            "schemas": named_schemas(about),
            "responses": responses,
            "headers": headers(about.has_replays),
            "parameters": { "IdempotencyKey": idempotency_key(about) },
        },
    })
}

/// Adds the parts of an operation that follow from its path and its surface.
fn complete(about: &About, path: &str, operation: &mut Value) {
    let ids = path
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next());
    let mut parameters: Vec<Value> = ids.map(id).collect();
    let has_id = !parameters.is_empty();
    let listed = operation["parameters"].as_array().cloned();
    parameters.extend(listed.into_iter().flatten());
    operation["parameters"] = parameters.into();
    if let Some(also) = operation[ALSO].as_array() {
        let also = also.iter().filter_map(Value::as_str);
        let also: Vec<String> = also.map(|path| format!(" Also at `{path}`.")).collect();
        let also = also.concat();
        let description = operation["description"].as_str().unwrap_or_default();
        operation["description"] = format!("{description}{also}").trim().into();
    }
    // An operation needs the document's key, unless it is open.
    if let Some(members) = operation.as_object_mut()
        && members.remove("security").is_none()
    {
        members.insert("security".to_owned(), json!([]));
    }
    if has_id && operation["responses"]["404"].is_null() {
        operation["responses"]["404"] = json!({ "$ref": "#/components/responses/Error404" });
    }
    let anonymous = operation["x-anonymous"].take();
    responses(about, operation, &anonymous);
    if let Some(operation) = operation.as_object_mut() {
        operation.retain(|_, value| !value.is_null());
    }
}

fn id(name: &str) -> Value {
    json!({
        "name": name, "in": "path", "required": true, "description": "The object's id.",
        "schema": { "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" },
    })
}

fn responses(about: &About, operation: &mut Value, anonymous: &Value) {
    let accepts_key = operation["parameters"]
        .to_string()
        .contains("IdempotencyKey");
    let summary = operation["summary"].clone();
    let Some(responses) = operation["responses"].as_object_mut() else {
        return;
    };
    // A surface that rejects a reused idempotency key with 400 has no 409.
    let is_known = |status: &str| {
        let mut rows = about.errors.iter();
        status.starts_with('2') || rows.any(|row| row.status.to_string() == status)
    };
    responses.retain(|status, _| is_known(status));
    for (status, response) in responses.iter_mut() {
        if status.starts_with('2') {
            response["description"] = summary.clone();
            response["headers"] = counted();
            if accepts_key && about.has_replays {
                response["headers"]["Idempotent-Replayed"] = header("IdempotentReplayed");
            }
        }
    }
    if !anonymous.is_null() {
        let mut unknown = error(about, 401);
        unknown["description"] = "The key is missing or invalid. Without a key, another surface \
                                  with the same path returns the error in its own format."
            .into();
        let shapes = json!([(about.error)(401), anonymous]);
        unknown["content"]["application/json"]["schema"] = json!({ "anyOf": shapes });
        responses.insert("401".to_owned(), unknown);
    }
}

fn idempotency_key(about: &About) -> Value {
    let description = if about.has_replays {
        "Makes the request safe to retry for 24 hours: the same request with the same key returns \
         the first response. Use a new key for each new operation."
    } else {
        "Makes the request safe to retry for 24 hours: the same request with the same key is \
         rejected with 409, with what the first request created. Use a new key for each new \
         operation."
    };
    json!({
        "name": "Idempotency-Key", "in": "header", "required": false, "description": description,
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$" },
    })
}

/// The error responses by status. Each description lists the errors with that status.
fn errors(about: &About, paths: &Value) -> Map<String, Value> {
    let mut errors = Map::new();
    let paths = paths.to_string();
    for row in about.errors {
        let name = format!("Error{}", row.status);
        if paths.contains(&format!("/{name}\"")) {
            let response = errors.entry(name);
            let response = response.or_insert_with(|| error(about, row.status));
            let written = response["description"].as_str().unwrap_or_default();
            let more = format!("{written}\n- `{}`: {} {}", row.code, row.when, row.remedy);
            response["description"] = more.trim_start().into();
        }
    }
    errors
}

fn error(about: &About, status: u16) -> Value {
    let mut headers = counted();
    if status == 401 {
        headers["WWW-Authenticate"] = header("WwwAuthenticate");
    }
    if status == 429 || status >= 500 {
        headers["Retry-After"] = header("RetryAfter");
    }
    json!({
        "description": "",
        "headers": headers,
        "content": { "application/json": { "schema": (about.error)(status) } },
    })
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// The headers that every response has.
fn counted() -> Value {
    json!({
        "X-Request-Id": header("RequestId"),
        "X-RateLimit-Limit": header("RateLimitLimit"),
        "X-RateLimit-Remaining": header("RateLimitRemaining"),
        "X-RateLimit-Reset": header("RateLimitReset"),
    })
}

fn headers(has_replays: bool) -> Value {
    let of =
        |schema: Value, description: &str| json!({ "description": description, "schema": schema });
    let number = json!({ "type": "integer", "minimum": 0 });
    let text = json!({ "type": "string" });
    let mut headers = json!({
        "RequestId": of(text.clone(), "Identifies the request in the gateway's log."),
        "RateLimitLimit": of(number.clone(), "Maximum number of requests per minute."),
        "RateLimitRemaining": of(number.clone(), "Number of requests left in the current minute."),
        "RateLimitReset": of(number.clone(), "Start of the next minute, in Unix seconds."),
        "RetryAfter": of(number, "Seconds to wait before a retry."),
        "WwwAuthenticate": of(text.clone(), "A scheme to authenticate with."),
    });
    if has_replays {
        headers["IdempotentReplayed"] = of(text, "`true` if this response repeats an earlier one.");
    }
    headers
}

fn webhooks(about: &About) -> Map<String, Value> {
    let events = about.events.iter().map(|(name, object)| {
        let capitals: String = name.split(['.', '_']).map(schemas::capital).collect();
        let operation = json!({
            "operationId": format!("on{capitals}"),
            "tags": ["Events"],
            "summary": name,
            "description": "A signed POST to your endpoints. Respond with 2xx within 15 seconds.",
            "security": [],
            "requestBody": { "required": true, "content": { "application/json": { "schema": {
                "type": "object",
                "required": ["id", "object", "type", "created", "data"],
                "properties": {
                    "id": {
                        "type": "string",
                        "description": "The event's id, `evt_…`, the same in every attempt.",
                    },
                    "object": { "const": "event", "type": "string" },
                    "type": { "const": name, "type": "string" },
                    "created": {
                        "type": "integer", "description": "Time of the event, in Unix seconds.",
                    },
                    "data": {
                        "type": "object", "required": ["object"],
                        "properties": { "object": object },
                    },
                },
            } } } },
            "responses": { "2XX": { "description": "The event was received." } },
        });
        ((*name).to_owned(), json!({ "post": operation }))
    });
    events.collect()
}

/// The schemas of the document. The `events` field of an endpoint lists the events it can subscribe
/// to, and those that are sent today.
fn named_schemas(about: &About) -> Map<String, Value> {
    let mut schemas = schemas::take();
    let sent = about.events.iter().map(|(name, _)| *name);
    let sent = sent.filter(|name| about.subscribable.contains(name));
    let sent: Vec<String> = sent.map(|name| format!("`{name}`")).collect();
    let note = if sent.len() < about.subscribable.len() {
        format!("Sent today: {}.", sent.join(", "))
    } else {
        "All of them are sent.".to_owned()
    };
    for name in ["WebhookEndpointToCreate", "WebhookEndpointToChange"] {
        let schema = schemas.get_mut(name);
        if let Some(field) = schema.and_then(|one| one.pointer_mut("/properties/events")) {
            let all = about.subscribable.iter().copied().chain(["*"]);
            field["items"]["enum"] = all.collect();
            let meaning = field["description"].as_str().unwrap_or_default();
            field["description"] = format!("{meaning} {note}").into();
        }
    }
    schemas
}
