//! Generates a Postman collection (format 2.1) of all operations from the `OpenAPI` documents.

#![expect(
    clippy::indexing_slicing,
    reason = "documents are read by their members; a missing one is null"
)]

use domain::surface::Surface;
use serde_json::{Value, json};

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

/// Creates the collection, with a folder for each surface.
pub fn of(documents: &[(Surface, Value)]) -> Value {
    json!({
        "info": {
            "name": "Sluice",
            "description": "Set `base_url` and `key` in the collection's variables.",
            "schema": SCHEMA,
        },
        "item": documents.iter().map(folder).collect::<Vec<_>>(),
        "variable": [
            { "key": "base_url", "value": "http://127.0.0.1:8000" },
            { "key": "key", "value": "sk_test_YOUR_KEY" },
        ],
    })
}

fn folder((surface, document): &(Surface, Value)) -> Value {
    let paths = document["paths"].as_object().into_iter().flatten();
    let requests = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| request(path, method, operation))
    });
    let info = &document["info"];
    let texts = [&info["summary"], &info["description"]].map(|text| text.as_str());
    json!({
        "name": surface.name(),
        "description": texts.map(Option::unwrap_or_default).join("\n\n"),
        "auth": auth(&document["components"]["securitySchemes"]["key"]),
        "item": requests.collect::<Vec<_>>(),
    })
}

fn auth(scheme: &Value) -> Value {
    let of = |key: &str, value: &str| json!({ "key": key, "value": value, "type": "string" });
    match scheme["scheme"].as_str() {
        Some("bearer") => json!({ "type": "bearer", "bearer": [of("token", "{{key}}")] }),
        Some("basic") => json!({
            "type": "basic", "basic": [of("username", "{{key}}"), of("password", "")],
        }),
        _ => {
            let name = scheme["name"].as_str().unwrap_or_default();
            let parts = [of("key", name), of("value", "{{key}}"), of("in", "header")];
            json!({ "type": "apikey", "apikey": parts })
        }
    }
}

fn request(path: &str, method: &str, operation: &Value) -> Value {
    // Postman writes path parameters as `:id`.
    let path = path.replace('{', ":").replace('}', "");
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let (keys, parameters): (Vec<&Value>, Vec<&Value>) =
        parameters.partition(|parameter| parameter["$ref"].is_string());
    let query = parameters.into_iter().filter(|one| one["in"] == "query");
    let query = query.map(|parameter| {
        json!({
            "key": parameter["name"], "value": "", "disabled": true,
            "description": parameter["description"],
        })
    });
    let content = operation["requestBody"]["content"].as_object();
    let body = content.and_then(|content| content.iter().next());
    let mut headers = Vec::new();
    if let Some((media, _)) = body {
        headers.push(json!({ "key": "Content-Type", "value": media }));
    }
    // The only parameter that documents include by `$ref` is the idempotency key.
    if !keys.is_empty() {
        headers.push(json!({ "key": "Idempotency-Key", "value": "{{$guid}}" }));
    }
    let mut request = json!({
        "method": method.to_ascii_uppercase(),
        "description": operation["description"].as_str().unwrap_or_default(),
        "header": headers,
        "url": {
            "raw": format!("{{{{base_url}}}}{path}"),
            "host": ["{{base_url}}"],
            "path": segments,
            "query": query.collect::<Vec<_>>(),
        },
    });
    if operation["security"] == json!([]) {
        request["auth"] = json!({ "type": "noauth" });
    }
    if let Some((media, body)) = body {
        request["body"] = sent(media, &body["example"]);
    }
    json!({ "name": operation["summary"], "request": request })
}

fn sent(media: &str, example: &Value) -> Value {
    if media == "application/json" {
        let text = serde_json::to_string_pretty(example).unwrap_or_default();
        let language = json!({ "raw": { "language": "json" } });
        return json!({ "mode": "raw", "raw": text, "options": language });
    }
    let fields = example.as_object().into_iter().flatten();
    let fields = fields.map(|(key, value)| json!({ "key": key, "value": value }));
    json!({ "mode": "urlencoded", "urlencoded": fields.collect::<Vec<_>>() })
}
