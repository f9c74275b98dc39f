//! The reference against the routes, and against itself.

use std::collections::BTreeSet;

use axum::Router;

use super::page::{SECTIONS, section};
use super::*;
use crate::surfaces::{Paths, finfusion, finternet, fourgeeks, paygate};

const METHODS: [&str; 6] = ["get", "post", "put", "patch", "delete", "head"];

/// Every method of every path that a router has, read out of how it is printed: there is no other
/// way to ask one.
fn printed<S>(router: &Router<S>) -> BTreeSet<(String, String)> {
    let text = format!("{router:?}");
    let (endpoints, node) = text.split_once("node: Node").unwrap_or_default();
    let paths: Vec<(&str, &str)> = node
        .split("RouteId(")
        .skip(1)
        .filter_map(|one| Some((one.split(')').next()?, one.split('"').nth(1)?)))
        .collect();
    let mut found = BTreeSet::new();
    for route in endpoints.split("RouteId(").skip(1) {
        let id = route.split(')').next().unwrap_or_default();
        let path = paths.iter().find(|(one, _)| *one == id);
        for method in METHODS {
            let is_there = route
                .split_once(&format!(" {method}: "))
                .is_some_and(|(_, endpoint)| !endpoint.starts_with("None"));
            if let Some((_, path)) = path.filter(|_| is_there) {
                found.insert((method.to_owned(), (*path).to_owned()));
            }
        }
    }
    found
}

fn routed(surface: Surface) -> BTreeSet<(String, String)> {
    let Paths { known, open } = match surface {
        Surface::Finternet => finternet::paths(),
        Surface::Paygate => paygate::paths(),
        Surface::Finfusion => finfusion::paths(),
        Surface::Fourgeeks => fourgeeks::paths(),
    };
    &printed(&known) | &printed(&open)
}

#[test]
fn every_route_has_an_operation_and_every_operation_a_route() {
    for one in SURFACED.iter() {
        let described: BTreeSet<(String, String)> = one
            .operations
            .iter()
            .flat_map(|operation| {
                let paths = operation.also.iter().chain([&operation.path]);
                paths.map(|path| (operation.method.to_owned(), (*path).to_owned()))
            })
            .collect();
        let routed = routed(one.surface);
        let name = one.surface.name();
        let missing: Vec<_> = routed.difference(&described).collect();
        assert!(
            missing.is_empty(),
            "{name}: not in the reference: {missing:?}"
        );
        let gone: Vec<_> = described.difference(&routed).collect();
        assert!(gone.is_empty(), "{name}: no route has: {gone:?}");
    }
}

#[test]
fn the_methods_of_a_router_are_found() {
    let router: Router = Router::new()
        .route("/a", axum::routing::get(async || ()).post(async || ()))
        .route("/b/{id}", axum::routing::delete(async || ()));
    let found = printed(&router);
    let of = |method: &str, path: &str| (method.to_owned(), path.to_owned());
    let expected = [of("get", "/a"), of("post", "/a"), of("delete", "/b/{id}")];
    assert_eq!(found, BTreeSet::from(expected));
}

/// Every reference in a document.
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

/// Another path is another operation, which clients are generated for and fuzzers try.
#[test]
fn other_spellings_differ_in_a_slash_only() {
    for one in SURFACED.iter() {
        for operation in &one.operations {
            let path = operation.path.trim_end_matches('/');
            for also in operation.also {
                assert_eq!(also.trim_end_matches('/'), path, "{}", operation.name);
            }
        }
    }
}

#[test]
fn only_what_needs_a_chain_is_always_refused() {
    for one in SURFACED.iter() {
        for operation in &one.operations {
            let is_refused = operation.answer.is_none();
            let name = operation.name;
            assert_eq!(is_refused, operation.group == "On-chain payments", "{name}");
        }
    }
}

#[test]
fn every_surface_has_a_first_call() {
    for one in SURFACED.iter() {
        assert!(!one.first.is_empty());
        for first in &one.first {
            let operation = first.operation(one);
            let curl = operation.map(|operation| first.curl(one, operation));
            let curl = curl.unwrap_or_default();
            assert!(curl.starts_with("curl http"), "{}", first.operation);
            assert!(
                !curl.contains(['{', '}']) || curl.contains("-d '{"),
                "{curl}"
            );
            assert!(serde_json::from_str::<Value>(first.answer).is_ok());
        }
    }
}

#[test]
fn every_reference_points_to_something() {
    let surfaces = Surface::ALL.into_iter().map(Some);
    for surface in surfaces.chain([None]) {
        let document = openapi(surface);
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        for target in found {
            let place = target.strip_prefix('#').unwrap_or_default();
            assert!(document.pointer(place).is_some(), "{surface:?}: {target}");
        }
    }
}

#[test]
fn the_merged_document_has_every_operation() {
    let document = openapi(None);
    for one in SURFACED.iter() {
        for operation in &one.operations {
            let merged = &document["paths"][operation.path][operation.method];
            let tags = merged["tags"].as_array();
            let name = one.surface.name();
            let is_there = tags.is_some_and(|tags| tags.iter().any(|tag| tag == name));
            assert!(is_there, "{name}: {} {}", operation.method, operation.path);
        }
    }
}

#[test]
fn every_refusal_is_explained() {
    for one in SURFACED.iter() {
        for operation in &one.operations {
            for status in &operation.refusals {
                // Where a key that was used with another request is refused with 400, there is no 409.
                let is_explained = one.errors.iter().any(|entry| entry.status == *status);
                assert!(
                    is_explained || *status == 409,
                    "{} {status}",
                    operation.name
                );
            }
        }
    }
}

#[test]
fn an_endpoint_s_events_say_which_are_told() {
    for (surface, said) in [
        (Surface::Paygate, "All of them are told."),
        (
            Surface::Finfusion,
            "Told are `payment.succeeded`, `payment.failed`, `payment.refunded`; the others not yet.",
        ),
        (
            Surface::Finternet,
            "Told are `payment_intent.created`, `payment_intent.status_changed`; the others not yet.",
        ),
    ] {
        let document = openapi(Some(surface));
        for name in ["WebhookEndpointToCreate", "WebhookEndpointToChange"] {
            let field = &document["components"]["schemas"][name]["properties"]["events"];
            let description = field["description"].as_str().unwrap_or_default();
            assert!(description.ends_with(said), "{name}: {description}");
            assert!(field["items"]["enum"].is_array(), "{name}: {field}");
        }
    }
}

#[test]
fn the_readme_has_the_sections_of_the_guide() {
    for heading in SECTIONS {
        assert!(!section(heading).is_empty(), "{heading}");
    }
}
