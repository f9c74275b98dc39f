//! One surface as an `OpenAPI` document.

use serde_json::{Map, Value, json};

use super::operation::{Operation, ids};
use super::{Surfaced, words};

/// The document's version: of the contract, not of the gateway.
const VERSION: &str = "1.0.0";

/// The document of a surface.
pub fn of(surfaced: &Surfaced) -> Value {
    let mut paths = Map::new();
    for operation in &surfaced.operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = described(surfaced, operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("Sluice: {}", surfaced.surface.name()),
            "version": VERSION,
            "summary": surfaced.summary,
            "description": surfaced.description,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [
            { "url": "/", "description": "This gateway" },
            { "url": "/api", "description": "The same, below /api" },
        ],
        "security": [{ surfaced.security.name: [] }],
        "tags": groups(surfaced),
        "paths": paths,
        "webhooks": webhooks(surfaced),
        "components": {
            "securitySchemes": { surfaced.security.name: surfaced.security.scheme },
            "schemas": surfaced.schemas,
            "responses": refusals(surfaced),
            "headers": headers(surfaced.has_replays),
            "parameters": { "IdempotencyKey": idempotency_key(surfaced) },
        },
    })
}

fn groups(surfaced: &Surfaced) -> Vec<Value> {
    let mut groups: Vec<&str> = Vec::new();
    for operation in &surfaced.operations {
        if !groups.contains(&operation.group) {
            groups.push(operation.group);
        }
    }
    if !surfaced.events.is_empty() {
        groups.push("Events");
    }
    groups.iter().map(|name| json!({ "name": name })).collect()
}

fn described(surfaced: &Surfaced, operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.name,
        "tags": [operation.group],
        "summary": operation.summary,
        "parameters": parameters(operation),
        "responses": answers(surfaced, operation),
    });
    let also = operation
        .also
        .iter()
        .map(|path| format!("Also at `{path}`."));
    let said = [operation.description.to_owned()].into_iter().chain(also);
    let said: Vec<String> = said.filter(|sentence| !sentence.is_empty()).collect();
    if !said.is_empty() {
        described["description"] = said.join(" ").into();
    }
    if operation.is_open {
        described["security"] = json!([]);
    }
    if let Some(body) = &operation.body {
        described["requestBody"] = json!({
            "required": body.is_required,
            "content": { body.media: { "schema": body.schema, "example": body.example } },
        });
    }
    described
}

fn answers(surfaced: &Surfaced, operation: &Operation) -> Map<String, Value> {
    let mut answers = Map::new();
    if let Some(answer) = &operation.answer {
        let mut told = json!({
            "description": answer.description,
            "headers": counted(),
            "content": { "application/json": { "schema": answer.schema } },
        });
        if operation.is_once && surfaced.has_replays {
            told["headers"]["Idempotent-Replayed"] = header("IdempotentReplayed");
        }
        answers.insert(answer.status.to_string(), told);
    }
    for status in &operation.refusals {
        let refusal = format!("#/components/responses/Refused{status}");
        if surfaced.errors.iter().any(|entry| entry.status == *status) {
            answers.insert(status.to_string(), json!({ "$ref": refusal }));
        }
    }
    if let Some(anonymous) = &operation.anonymous {
        let mut unknown = refusal(surfaced, 401);
        let shapes = [surfaced.error(401), anonymous];
        unknown["description"] =
            "The key is missing or wrong. Where it is missing, another API that \
                                  has the same path answers in its own words."
                .into();
        unknown["content"]["application/json"]["schema"] = json!({ "anyOf": shapes });
        answers.insert("401".to_owned(), unknown);
    }
    answers
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let ids = ids(operation.path).map(|name| {
        json!({
            "name": name, "in": "path", "required": true, "description": "The object's id.",
            "schema": { "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" },
        })
    });
    let key = json!({ "$ref": "#/components/parameters/IdempotencyKey" });
    let key = operation.is_once.then_some(key);
    ids.chain(key).chain(operation.parameters.clone()).collect()
}

fn idempotency_key(surfaced: &Surfaced) -> Value {
    let description = if surfaced.has_replays {
        "Makes the request safe to repeat for 24 hours: the same request with the same key gets the \
         first answer again. Make a fresh one for each thing you want done."
    } else {
        "Makes the request safe to repeat for 24 hours: a second one with the same key is refused \
         with 409 and told what the first one made. Make a fresh one for each thing you want done."
    };
    json!({
        "name": "Idempotency-Key", "in": "header", "required": false, "description": description,
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
    })
}

/// Each status with every error it may mean.
fn refusals(surfaced: &Surfaced) -> Map<String, Value> {
    let mut refusals = Map::new();
    let is_used = |status| {
        let mut operations = surfaced.operations.iter();
        operations.any(|one| one.refusals.contains(&status))
    };
    for entry in surfaced.errors.iter().filter(|entry| is_used(entry.status)) {
        let refusal = refusals
            .entry(format!("Refused{}", entry.status))
            .or_insert_with(|| refusal(surfaced, entry.status));
        let said = refusal["description"].as_str().unwrap_or_default();
        let separator = if said.is_empty() { "" } else { "\n" };
        let line = format!("{said}{separator}- `{}`: {}", entry.code, entry.when);
        refusal["description"] = line.into();
    }
    refusals
}

fn refusal(surfaced: &Surfaced, status: u16) -> Value {
    let mut headers = counted();
    if status == 429 || status >= 500 {
        headers["Retry-After"] = header("RetryAfter");
    }
    json!({
        "description": "",
        "headers": headers,
        "content": { "application/json": { "schema": surfaced.error(status) } },
    })
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// The headers of every answer.
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
        "RequestId": of(text.clone(), "Names this answer in the gateway's log."),
        "RateLimitLimit": of(number.clone(), "Requests you may make in a minute."),
        "RateLimitRemaining": of(number.clone(), "How many of them are left."),
        "RateLimitReset": of(number.clone(), "When the next minute begins, in Unix seconds."),
        "RetryAfter": of(number, "How many seconds to wait."),
    });
    if has_replays {
        headers["IdempotentReplayed"] = of(text, "`true` where the answer was given before.");
    }
    headers
}

fn webhooks(surfaced: &Surfaced) -> Map<String, Value> {
    let events = surfaced.events.iter().map(|(name, object)| {
        let operation = json!({
            "operationId": format!("on{}", capitals(name)),
            "tags": ["Events"],
            "summary": name,
            "description": "Posted to your endpoints, signed. Answer 2xx within 15 seconds.",
            "security": [],
            "requestBody": { "required": true, "content": { "application/json": { "schema": {
                "type": "object",
                "required": ["id", "object", "type", "created", "data"],
                "properties": {
                    "id": { "type": "string", "description": "The event's id, `evt_…`: the same in every try." },
                    "object": { "const": "event", "type": "string" },
                    "type": { "const": name, "type": "string" },
                    "created": { "type": "integer", "description": "When it happened, in Unix seconds." },
                    "data": {
                        "type": "object", "required": ["object"], "properties": { "object": object },
                    },
                },
            } } } },
            "responses": { "2XX": { "description": "You have it." } },
        });
        ((*name).to_owned(), json!({ "post": operation }))
    });
    events.collect()
}

/// `payment.succeeded` as `PaymentSucceeded`.
fn capitals(name: &str) -> String {
    let words = name.split(['.', '_']);
    words.map(words::capital).collect()
}
