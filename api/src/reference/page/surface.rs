//! The page of one surface: how to call it, each operation, its events and its errors.

use maud::{Markup, html};
use serde_json::Value;

use super::guide::{anchor, marked};
use crate::reference::Surfaced;
use crate::reference::operation::{Body, Operation};

/// How many structs stand in one another before a table says no more.
const DEPTH_MAX: usize = 3;

pub fn contents(surfaced: &Surfaced) -> Markup {
    let mut groups: Vec<&str> = surfaced.operations.iter().map(|one| one.group).collect();
    groups.dedup();
    html! {
        ul {
            @for group in groups {
                li {
                    a href={ "#" (anchor(group)) } { (group) }
                    ul {
                        @for one in surfaced.operations.iter().filter(|one| one.group == group) {
                            li { a href={ "#" (one.name) } { (one.summary) } }
                        }
                    }
                }
            }
            @if !surfaced.events.is_empty() { li { a href="#events" { "Events" } } }
            li { a href="#errors" { "Errors" } }
        }
    }
}

pub fn content(surfaced: &Surfaced) -> Markup {
    let name = surfaced.surface.name();
    html! {
        h1 { (name) }
        p.lead { (surfaced.summary) }
        (marked(surfaced.description))
        p {
            "All paths also stand below " code { "/api" } ". The same as a document: "
            a href={ "/openapi/" (name) ".json" } { "/openapi/" (name) ".json" } "."
        }
        p { (marked(surfaced.security.scheme["description"].as_str().unwrap_or_default())) }
        @for (place, operation) in surfaced.operations.iter().enumerate() {
            @let before = place.checked_sub(1).and_then(|before| surfaced.operations.get(before));
            @if before.is_none_or(|before| before.group != operation.group) {
                h2 id=(anchor(operation.group)) { (operation.group) }
            }
            (described(surfaced, operation))
        }
        (events(surfaced))
        (errors(surfaced))
    }
}

fn described(surfaced: &Surfaced, operation: &Operation) -> Markup {
    let parameters = &operation.parameters;
    html! {
        section.operation id=(operation.name) {
            h3 { (operation.summary) }
            p.at {
                span class={ "method " (operation.method) } { (operation.method) }
                code { (operation.path) }
                @if operation.is_open { span.mark { "no key" } }
                @if operation.is_once { span.mark { "Idempotency-Key" } }
            }
            @if !operation.also.is_empty() {
                p.refusals { "Also " @for path in operation.also { code { (path) } " " } }
            }
            @if !operation.description.is_empty() { (marked(operation.description)) }
            @if !parameters.is_empty() {
                h4 { "Query" }
                dl.fields {
                    @for one in parameters {
                        (field(one["name"].as_str().unwrap_or_default(), one, &one["schema"], false))
                    }
                }
            }
            @if let Some(body) = &operation.body { (asked(surfaced, body)) }
            details {
                summary { "Answer " code { (operation.answer.status) } }
                (members(surfaced, &operation.answer.schema, DEPTH_MAX))
            }
            p.refusals {
                "Refused with "
                @for status in &operation.refusals { a href={ "#error-" (status) } { (status) } " " }
            }
        }
    }
}

fn asked(surfaced: &Surfaced, body: &Body) -> Markup {
    let example = serde_json::to_string_pretty(&body.example).unwrap_or_default();
    html! {
        h4 {
            "Body"
            @if !body.is_required { " " span.mark { "optional" } }
            @if body.media != "application/json" { " " span.mark { (body.media) } }
        }
        (members(surfaced, &body.schema, DEPTH_MAX))
        pre { code { (example) } }
    }
}

/// What a reference points to.
fn resolved<'a>(surfaced: &'a Surfaced, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"]
        .as_str()
        .and_then(|target| target.rsplit('/').next());
    let found = target.and_then(|name| surfaced.schemas.get(name));
    found.unwrap_or(schema)
}

/// The struct behind a schema that may be a list of it, or it or nothing.
fn inner<'a>(surfaced: &'a Surfaced, schema: &'a Value) -> Vec<&'a Value> {
    let schema = resolved(surfaced, schema);
    if let Some(either) = schema["anyOf"].as_array() {
        return either.iter().flat_map(|one| inner(surfaced, one)).collect();
    }
    let schema = match schema.get("items") {
        Some(items) => resolved(surfaced, items),
        None => schema,
    };
    vec![schema]
}

fn members(surfaced: &Surfaced, schema: &Value, depth: usize) -> Markup {
    let structs = inner(surfaced, schema);
    let structs = structs
        .into_iter()
        .filter(|one| one["properties"].is_object());
    html! {
        @for one in structs {
            dl.fields {
                @for (name, member) in one["properties"].as_object().into_iter().flatten() {
                    @let required = one["required"].as_array();
                    @let is_required = required.is_some_and(|names| names.iter().any(|one| one == name));
                    (field(name, member, member, is_required))
                    @if depth > 0 {
                        @let below = inner(surfaced, member);
                        @if below.iter().any(|one| one["properties"].is_object()) {
                            dd.below { (members(surfaced, member, depth - 1)) }
                        }
                    }
                }
            }
        }
    }
}

fn field(name: &str, described: &Value, schema: &Value, is_required: bool) -> Markup {
    let description = described["description"].as_str().unwrap_or_default();
    html! {
        dt {
            code { (name) }
            span.kind { (kind(schema)) }
            @if is_required { span.required { "required" } }
        }
        dd {
            (marked(description))
            @if let Some(words) = schema["enum"].as_array() {
                p.words { @for word in words.iter().filter_map(Value::as_str) { code { (word) } " " } }
            }
        }
    }
}

/// What a value is, in a word or two.
fn kind(schema: &Value) -> String {
    if let Some(kinds) = schema["type"].as_array() {
        let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
        return kinds.join(" or ");
    }
    let range = match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
        (Some(least), Some(most)) => format!(" {least} to {most}"),
        _ => String::new(),
    };
    let kind = schema["type"].as_str().unwrap_or("object");
    format!("{kind}{range}")
}

fn events(surfaced: &Surfaced) -> Markup {
    html! {
        @if !surfaced.events.is_empty() {
            h2 #events { "Events" }
            p {
                "Posted to your webhook endpoints; the guide says how to "
                a href="/docs#webhooks" { "verify" } " them and when they are tried again."
            }
            @for (name, object) in &surfaced.events {
                details {
                    summary { code { (name) } }
                    (members(surfaced, object, DEPTH_MAX))
                }
            }
        }
    }
}

fn errors(surfaced: &Surfaced) -> Markup {
    let mut seen = 0;
    let rows = surfaced.errors.iter().map(|entry| {
        let is_first = entry.status != seen;
        seen = entry.status;
        (entry, is_first.then(|| format!("error-{}", entry.status)))
    });
    html! {
        h2 #errors { "Errors" }
        (members(surfaced, &surfaced.shape, DEPTH_MAX))
        div.wide {
            table {
                thead { tr { th { "Status" } th { "Error" } th { "When" } th { "What to do" } } }
                tbody {
                    @for (entry, id) in rows {
                        tr id=[id] {
                            td { (entry.status) }
                            td { code { (entry.code) } }
                            td { (marked(entry.when)) }
                            td { (marked(entry.remedy)) }
                        }
                    }
                }
            }
        }
    }
}
