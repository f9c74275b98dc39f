//! All requests as a Postman collection, version 2.1.

use domain::surface::Surface;
use serde_json::{Value, json};

use super::Surfaced;
use super::operation::{Body, Operation};

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

/// The collection of all surfaces, a folder for each.
pub fn of(all: &[Surfaced]) -> Value {
    let folder = |one: &Surfaced| {
        let requests = one.operations.iter().map(request);
        json!({
            "name": one.surface.name(),
            "description": format!("{}\n\n{}", one.summary, one.description),
            "auth": auth(one.surface),
            "item": requests.collect::<Vec<_>>(),
        })
    };
    json!({
        "info": {
            "name": "Sluice",
            "description": "Set `base_url` and `key` in the collection's variables.",
            "schema": SCHEMA,
        },
        "item": all.iter().map(folder).collect::<Vec<_>>(),
        "variable": [
            { "key": "base_url", "value": "http://127.0.0.1:8000" },
            { "key": "key", "value": "sk_test_YOUR_KEY" },
        ],
    })
}

fn auth(surface: Surface) -> Value {
    let of = |key: &str, value: &str| json!({ "key": key, "value": value, "type": "string" });
    match surface {
        Surface::Paygate | Surface::Finfusion => {
            json!({ "type": "bearer", "bearer": [of("token", "{{key}}")] })
        }
        Surface::Fourgeeks => json!({
            "type": "basic", "basic": [of("username", "{{key}}"), of("password", "")],
        }),
        Surface::Finternet => json!({
            "type": "apikey",
            "apikey": [of("key", "X-API-Key"), of("value", "{{key}}"), of("in", "header")],
        }),
    }
}

fn request(operation: &Operation) -> Value {
    // Postman writes what is to be filled in as `:id`.
    let path = operation.path.replace('{', ":").replace('}', "");
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let query = operation.parameters.iter().map(|parameter| {
        json!({
            "key": parameter["name"], "value": "", "disabled": true,
            "description": parameter["description"],
        })
    });
    let mut headers = Vec::new();
    if let Some(body) = &operation.body {
        headers.push(json!({ "key": "Content-Type", "value": body.media }));
    }
    if operation.is_once {
        headers.push(json!({ "key": "Idempotency-Key", "value": "{{$guid}}" }));
    }
    let mut request = json!({
        "method": operation.method.to_ascii_uppercase(),
        "description": operation.description,
        "header": headers,
        "url": {
            "raw": format!("{{{{base_url}}}}{path}"),
            "host": ["{{base_url}}"],
            "path": segments,
            "query": query.collect::<Vec<_>>(),
        },
    });
    if operation.is_open {
        request["auth"] = json!({ "type": "noauth" });
    }
    if let Some(sent) = &operation.body {
        request["body"] = body(sent);
    }
    json!({ "name": operation.summary, "request": request })
}

fn body(body: &Body) -> Value {
    if body.media == "application/json" {
        let text = serde_json::to_string_pretty(&body.example).unwrap_or_default();
        let language = json!({ "raw": { "language": "json" } });
        return json!({ "mode": "raw", "raw": text, "options": language });
    }
    let fields = body.example.as_object().into_iter().flatten();
    let fields = fields.map(|(key, value)| json!({ "key": key, "value": value }));
    json!({ "mode": "urlencoded", "urlencoded": fields.collect::<Vec<_>>() })
}
