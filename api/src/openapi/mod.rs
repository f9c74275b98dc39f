//! The API reference: an `OpenAPI` document for each surface and one for all of them, a Postman
//! collection, and HTML pages.
//!
//! The documents and the collection are generated from the operations that the surfaces declare.

pub mod document;
mod merged;
pub mod operation;
mod page;
mod postman;
pub mod schemas;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::event::EventType;
use domain::surface::Surface;
use serde_json::Value;
use wire::error::Row;

use crate::error::ApiError;
use crate::surfaces::handler::Refusal;

/// A surface's document, apart from its operations.
pub struct About {
    /// The surface.
    pub surface: Surface,
    /// One line about the surface.
    pub summary: &'static str,
    /// Conventions of the surface, such as the formats of amounts and times.
    pub description: &'static str,
    /// The security scheme.
    pub security: Value,
    /// Whether a request with a repeated Idempotency-Key returns the first response.
    pub has_replays: bool,
    /// Every error of the surface.
    pub errors: &'static [Row],
    /// The schema of an error body by status.
    pub error: fn(u16) -> Value,
    /// The events that the surface sends, each with the schema of its object.
    pub events: Vec<(&'static str, Value)>,
    /// The events that an endpoint can subscribe to.
    pub subscribable: &'static [&'static str],
}

/// The events that a surface sends, each with the schema of its object.
pub fn events(
    event_name: fn(EventType) -> Option<&'static str>,
    object: impl Fn(EventType) -> Value,
) -> Vec<(&'static str, Value)> {
    let sent = |event| event_name(event).map(|name| (name, object(event)));
    let mut sent: Vec<_> = EventType::ALL.into_iter().filter_map(sent).collect();
    // A surface may use one name for consecutive types.
    sent.dedup_by(|one, other| one.0 == other.0);
    sent
}

/// The `OpenAPI` documents of all surfaces.
pub struct Documents(pub Vec<(Surface, Value)>);

impl Documents {
    /// Creates the router that serves the documents, the collection and the pages.
    pub fn routes(&self) -> Router {
        // `Bytes` are cheap to clone: axum clones a handler and its captures for each request.
        let mut files = BTreeMap::new();
        for (surface, document) in &self.0 {
            let name = format!("{}.json", surface.name());
            files.insert(name, Bytes::from(document.to_string()));
        }
        let files = Arc::new(files);
        let merged = Bytes::from(merged::of(&self.0).to_string());
        let postman = Bytes::from(postman::of(&self.0).to_string());
        let surfaces = self.0.iter().map(|(surface, _)| *surface);
        Router::new()
            .route("/openapi.json", get(async move || json(merged)))
            .route("/postman.json", get(async move || json(postman)))
            .route(
                "/openapi/{file}",
                get(async move |file: Result<Path<String>, PathRejection>| {
                    let file = file.ok().and_then(|Path(file)| files.get(&file).cloned());
                    file.map(json).ok_or(Refusal::Api(ApiError::RouteUnknown))
                }),
            )
            .merge(page::routes(surfaces))
    }
}

fn json(document: Bytes) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, document).into_response()
}

#[cfg(test)]
mod tests;
