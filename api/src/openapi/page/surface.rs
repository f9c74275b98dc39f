//! The page of one surface: a first call, each operation, its events and its errors.

use maud::{Markup, html};

use super::fields::{field, members};
use super::guide::{anchor, marked};
use crate::openapi::Surfaced;
use crate::openapi::first::{First, pretty};
use crate::openapi::operation::{Body, Operation};

pub fn contents(surfaced: &Surfaced) -> Markup {
    let mut groups: Vec<&str> = surfaced.operations.iter().map(|one| one.group).collect();
    groups.dedup();
    html! {
        ul {
            li { a href="#first-call" { "A first call" } }
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
    let said = surfaced.security.scheme["description"].as_str();
    html! {
        h1 { (name) }
        p.lead { (surfaced.summary) }
        (marked(surfaced.description))
        (marked(said.unwrap_or_default()))
        p {
            "All paths also stand below " code { "/api" } ". The same as a document: "
            a href={ "/openapi/" (name) ".json" } { "/openapi/" (name) ".json" } ". The guide says "
            "what holds for all surfaces: "
            a href="/docs#authentication" { "authentication" } ", "
            a href="/docs#lists" { "lists" } ", "
            a href="/docs#idempotency-key" { "Idempotency-Key" } ", "
            a href="/docs#rate-limits" { "rate limits" } ", "
            a href="/docs#errors" { "errors" } ", "
            a href="/docs#test-cards" { "test cards" } "."
        }
        (first_calls(surfaced))
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

fn first_calls(surfaced: &Surfaced) -> Markup {
    let call = |first: &First| {
        let operation = first.operation(surfaced)?;
        Some((operation, first.curl(surfaced, operation), first.answer))
    };
    html! {
        h2 #first-call { "A first call" }
        p { "Put your test key in the place of " code { "sk_test_YOUR_KEY" } "." }
        @for (operation, curl, answer) in surfaced.first.iter().filter_map(call) {
            h3 { a href={ "#" (operation.name) } { (operation.summary) } }
            pre { code { (curl) } }
            @if let Some(told) = &operation.answer {
                p.refusals { "The answer, " code { (told.status) } ":" }
            }
            pre.answer tabindex="0" { code { (answer) } }
        }
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
                @if operation.is_once { span.mark { a href="/docs#idempotency-key" { "Idempotency-Key" } } }
                @if operation.answer.is_none() { span.mark { "not available" } }
            }
            @if !operation.also.is_empty() {
                p.refusals { "Also " @for path in operation.also { code { (path) } " " } }
            }
            @if !operation.description.is_empty() { (marked(operation.description)) }
            @if !parameters.is_empty() {
                h4 { "Query" }
                dl.fields {
                    @for one in parameters {
                        @let name = one["name"].as_str().unwrap_or_default();
                        @let is_required = one["required"].as_bool().unwrap_or_default();
                        (field(surfaced, name, &one["description"], &one["schema"], is_required))
                    }
                }
            }
            @if let Some(body) = &operation.body { (asked(surfaced, body)) }
            @if let Some(answer) = &operation.answer {
                said {
                    summary { "Answer " code { (answer.status) } }
                    (members(surfaced, &answer.schema))
                }
            }
            (refusals(surfaced, operation))
        }
    }
}

fn refusals(surfaced: &Surfaced, operation: &Operation) -> Markup {
    let is_known = |status: &&u16| surfaced.errors.iter().any(|entry| entry.status == **status);
    html! {
        p.refusals {
            "Refused with "
            @for status in operation.refusals.iter().filter(is_known) { a href={ "#error-" (status) } { (status) } " " }
            @if operation.anonymous.is_some() {
                br; "Without a key, another API that has the same path answers in its own words."
            }
        }
    }
}

fn asked(surfaced: &Surfaced, body: &Body) -> Markup {
    html! {
        h4 {
            "Body"
            @if !body.is_required { " " span.mark { "optional" } }
            @if body.media != "application/json" { " " span.mark { (body.media) } }
        }
        (members(surfaced, &body.schema))
        pre { code { (example(body)) } }
    }
}

/// A body as it is sent.
fn example(body: &Body) -> String {
    if body.media == "application/json" {
        return pretty(&body.example);
    }
    let fields = body.example.as_object().into_iter().flatten();
    let fields = fields.map(|(name, value)| {
        let value = value.as_str().unwrap_or_default();
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair(name, value)
            .finish()
    });
    fields.collect::<Vec<_>>().join("&")
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
                said {
                    summary { code { (name) } }
                    (members(surfaced, object))
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
        div.wide tabindex="0" {
            table.errors {
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
        (shapes(surfaced))
    }
}

/// Every shape that an error may have.
fn shapes(surfaced: &Surfaced) -> Markup {
    let own: Vec<String> = surfaced
        .shapes
        .iter()
        .map(|(status, _)| status.to_string())
        .collect();
    html! {
        h3 { "What an error looks like" }
        @if !own.is_empty() { p { "With any status but " (own.join(" and ")) ":" } }
        (members(surfaced, &surfaced.shape))
        @for (status, shape) in &surfaced.shapes {
            p { "With " code { (status) } ":" }
            (members(surfaced, shape))
        }
    }
}
