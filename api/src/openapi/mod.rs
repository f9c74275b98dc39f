//! The API reference: an `OpenAPI` document for each surface and one for all, put together from the
//! structs that the words themselves are read and written with, and pages for people.

#![expect(
    clippy::indexing_slicing,
    reason = "documents are built of objects; a member that is set and not there yet is made"
)]

mod document;
mod finfusion;
mod finternet;
mod first;
mod fourgeeks;
mod merged;
mod operation;
mod outside;
mod page;
mod paygate;
mod postman;
mod words;

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::event::EventType;
use domain::surface::Surface;
use serde_json::{Map, Value};
use wire::catalogue::Entry;

use self::first::First;
use self::operation::Operation;
pub use self::outside::with_error_responses;
use crate::error::ApiError;
use crate::surfaces;

/// All that is said of one surface.
struct Surfaced {
    surface: Surface,
    summary: &'static str,
    description: &'static str,
    security: Security,
    operations: Vec<Operation>,
    /// What to try first.
    first: Vec<First>,
    /// Whether a repeated Idempotency-Key gets the first answer again.
    has_replays: bool,
    errors: &'static [Entry],
    /// What an error looks like; with some statuses it has a shape of its own.
    shape: Value,
    shapes: Vec<(u16, Value)>,
    /// Events by name, with what each is about.
    events: Vec<(&'static str, Value)>,
    schemas: Map<String, Value>,
}

/// How callers say who they are.
struct Security {
    name: &'static str,
    scheme: Value,
    /// What `curl` is told.
    curl: &'static str,
}

impl Surfaced {
    fn of(surface: Surface) -> Self {
        match surface {
            Surface::Finternet => finternet::surfaced(),
            Surface::Paygate => paygate::surfaced(),
            Surface::Finfusion => finfusion::surfaced(),
            Surface::Fourgeeks => fourgeeks::surfaced(),
        }
    }

    fn error(&self, status: u16) -> &Value {
        let own = self.shapes.iter().find(|(one, _)| *one == status);
        own.map_or(&self.shape, |(_, shape)| shape)
    }
}

/// The events that a surface tells of, each with what it is about.
fn events(
    word: fn(EventType) -> Option<&'static str>,
    mut object: impl FnMut(EventType) -> Value,
) -> Vec<(&'static str, Value)> {
    let told = |kind| word(kind).map(|name| (name, object(kind)));
    let mut told: Vec<_> = EventType::ALL.into_iter().filter_map(told).collect();
    // A surface may have one word for two kinds.
    told.dedup_by(|one, other| one.0 == other.0);
    told
}

/// Names the events that an endpoint may ask for, and which of them are told.
fn name_events(schemas: &mut Map<String, Value>, events: &[&str], told: &[(&str, Value)]) {
    let told: Vec<String> = told.iter().map(|(name, _)| format!("`{name}`")).collect();
    let said = if told.len() < events.len() {
        format!("Told are {}; the others not yet.", told.join(", "))
    } else {
        "All of them are told.".to_owned()
    };
    for name in ["WebhookEndpointToCreate", "WebhookEndpointToChange"] {
        let field = schemas
            .get_mut(name)
            .and_then(|schema| schema.pointer_mut("/properties/events"));
        if let Some(field) = field {
            let all = events.iter().copied().chain(["*"]);
            field["items"]["enum"] = all.collect();
            let meant = field["description"].as_str().unwrap_or_default();
            field["description"] = format!("{meant} {said}").into();
        }
    }
}

static SURFACED: LazyLock<Vec<Surfaced>> = LazyLock::new(|| Surface::ALL.map(Surfaced::of).into());

/// The document of a surface, or of all.
#[must_use]
pub fn openapi(surface: Option<Surface>) -> Value {
    let one = |surface| SURFACED.iter().find(|one| Some(one.surface) == surface);
    one(surface).map_or_else(|| merged::of(&SURFACED), document::of)
}

/// The requests of all surfaces as a Postman collection.
#[must_use]
pub fn postman() -> Value {
    postman::of(&SURFACED)
}

/// The documents and the pages.
pub fn routes() -> Router {
    let paths = Router::new()
        .route("/openapi.json", get(async || json(&openapi(None))))
        .route("/openapi/{file}", get(show))
        .merge(page::routes());
    with_error_responses(paths)
}

async fn show(file: Result<Path<String>, PathRejection>) -> Response {
    let file = file.map(|Path(file)| file).unwrap_or_default();
    let surface = file.strip_suffix(".json").and_then(Surface::parse);
    match surface {
        Some(_) => json(&openapi(surface)),
        None => surfaces::refuse(Surface::Finternet, ApiError::RouteUnknown),
    }
}

fn json(document: &Value) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, document.to_string()).into_response()
}

#[cfg(test)]
mod tests;
