//! The API reference: an `OpenAPI` document for each surface and one for all, put together from the
//! structs that the words themselves are read and written with, and pages for people.

#![expect(
    clippy::indexing_slicing,
    reason = "documents are built of objects; a member that is set and not there yet is made"
)]

mod document;
mod finfusion;
mod finternet;
mod fourgeeks;
mod merged;
mod operation;
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
use domain::notice::Kind;
use domain::surface::Surface;
use serde_json::{Map, Value};
use wire::catalogue::Entry;

use self::operation::Operation;
use crate::refused::Refused;
use crate::surfaces;

/// All that is said of one surface.
struct Surfaced {
    surface: Surface,
    summary: &'static str,
    description: &'static str,
    security: Security,
    operations: Vec<Operation>,
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
    word: fn(Kind) -> Option<&'static str>,
    mut object: impl FnMut(Kind) -> Value,
) -> Vec<(&'static str, Value)> {
    let told = |kind| word(kind).map(|name| (name, object(kind)));
    Kind::ALL.into_iter().filter_map(told).collect()
}

/// Names the events that an endpoint may ask for.
fn name_events(schemas: &mut Map<String, Value>, events: &[&str]) {
    for name in ["WebhookEndpointToCreate", "WebhookEndpointToChange"] {
        let items = schemas
            .get_mut(name)
            .and_then(|schema| schema.pointer_mut("/properties/events/items"));
        if let Some(items) = items {
            let all = events.iter().copied().chain(["*"]);
            items["enum"] = all.collect();
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
    Router::new()
        .route("/openapi.json", get(async || json(&openapi(None))))
        .route("/openapi/{file}", get(show))
        .merge(page::routes())
}

async fn show(file: Result<Path<String>, PathRejection>) -> Response {
    let file = file.map(|Path(file)| file).unwrap_or_default();
    let surface = file.strip_suffix(".json").and_then(Surface::parse);
    match surface {
        Some(_) => json(&openapi(surface)),
        None => surfaces::refuse(Surface::Finternet, Refused::RouteUnknown),
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
