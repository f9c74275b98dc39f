//! Checks that the documents are consistent.

#![expect(
    clippy::indexing_slicing,
    reason = "documents are read by their members; a missing one is null"
)]

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::*;
use crate::surfaces;

fn documents() -> Vec<(Surface, Value)> {
    let all = Surface::ALL.into_iter();
    all.map(|surface| (surface, surfaces::parts(surface).1))
        .collect()
}

fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path, method, operation))
    })
}

/// Collects the target of every `$ref` in a document.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get("$ref") {
                found.insert(target.clone());
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_points_to_something() {
    let documents = documents();
    let merged = merged::of(&documents);
    for document in documents.iter().map(|(_, one)| one).chain([&merged]) {
        let mut found = BTreeSet::new();
        references(document, &mut found);
        assert!(found.len() > 10);
        for target in found {
            let place = target.strip_prefix('#').unwrap_or_default();
            assert!(document.pointer(place).is_some(), "{target}");
        }
    }
}

#[test]
fn the_merged_document_has_every_operation() {
    let documents = documents();
    let merged = merged::of(&documents);
    for (surface, document) in &documents {
        for (path, method, _) in operations(document) {
            let tags = merged["paths"][path][method]["tags"].as_array();
            let is_there = tags.is_some_and(|tags| tags.iter().any(|tag| tag == surface.name()));
            assert!(is_there, "{}: {method} {path}", surface.name());
        }
    }
}

#[test]
fn an_operation_says_what_its_handler_takes_and_returns() {
    let (_, paygate) = surfaces::parts(Surface::Paygate);
    let create = &paygate["paths"]["/v1/payments"]["post"];
    let media = &create["requestBody"]["content"]["application/json"];
    let schema = "#/components/schemas/PaymentToCreate";
    assert_eq!(media["schema"]["$ref"], schema);
    assert_eq!(media["example"]["amount"], 5000);
    assert_eq!(create["requestBody"]["required"], true);
    let statuses = create["responses"].as_object().map(Map::len);
    assert_eq!(statuses, Some(8), "{create}");
    assert_eq!(create["security"], Value::Null);
    assert_eq!(create[operation::ALSO][0], "/v1/payments/");
    let token = &paygate["paths"]["/v1/auth/token"]["post"];
    assert_eq!(token["security"], serde_json::json!([]));
    let read = &paygate["paths"]["/v1/payments/{id}"]["get"];
    assert_eq!(read["parameters"][0]["name"], "id");
    assert!(read["responses"]["401"]["content"].is_object());
    let list = &paygate["paths"]["/v1/transactions"]["get"];
    let parameters = list["parameters"].as_array().map(Vec::len);
    assert!(parameters > Some(3), "{list}");
}

#[test]
fn other_spellings_differ_in_a_slash_only() {
    for (_, document) in documents() {
        for (path, _, operation) in operations(&document) {
            let plain = path.trim_end_matches('/');
            for also in operation[operation::ALSO].as_array().into_iter().flatten() {
                let also = also.as_str().unwrap_or_default();
                assert_eq!(also.trim_end_matches('/'), plain);
            }
        }
    }
}

#[test]
fn only_what_needs_a_chain_is_always_rejected() {
    for (_, document) in documents() {
        for (path, _, operation) in operations(&document) {
            let responses = operation["responses"].as_object();
            let succeeds = responses.is_some_and(|all| all.keys().any(|one| one.starts_with('2')));
            let needs_a_chain = operation["tags"][0] == "On-chain payments";
            assert_eq!(!succeeds, needs_a_chain, "{path}");
        }
    }
}

#[test]
fn an_endpoint_s_events_say_which_are_sent() {
    for (surface, document) in documents() {
        let note = match surface {
            Surface::Paygate => "All of them are sent.",
            Surface::Finfusion => {
                "Sent today: `payment.succeeded`, `payment.failed`, `payment.refunded`, \
                 `webhook_endpoint.disabled`."
            }
            Surface::Finternet => {
                "Sent today: `payment_intent.created`, `payment_intent.status_changed`, \
                 `webhook_endpoint.disabled`."
            }
            Surface::Fourgeeks => continue,
        };
        for name in ["WebhookEndpointToCreate", "WebhookEndpointToChange"] {
            let field = &document["components"]["schemas"][name]["properties"]["events"];
            let description = field["description"].as_str().unwrap_or_default();
            assert!(description.ends_with(note), "{name}: {description}");
            assert!(field["items"]["enum"].is_array(), "{name}: {field}");
        }
    }
}

#[test]
fn every_operation_says_that_it_rejects_parameters_and_tokens() {
    for (surface, document) in documents() {
        for (path, method, operation) in operations(&document) {
            let has = |status: &str| !operation["responses"][status].is_null();
            let what = format!("{}: {method} {path}", surface.name());
            assert!(has("400"), "{what}");
            // Any operation with a key rejects an access token that lacks the scope.
            let is_open = operation["security"] == serde_json::json!([]);
            assert!(is_open || has("403"), "{what}");
        }
    }
}
