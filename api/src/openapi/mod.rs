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

use axum::Router;
use domain::event::EventType;
use domain::surface::Surface;
use serde_json::Value;
use wire::error::Row;

use crate::http::file::File;

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
        let json = |document: &Value| File::new("application/json", document.to_string()).route();
        let surfaces = self.0.iter().map(|(surface, _)| *surface);
        let mut router = Router::new()
            .route("/openapi.json", json(&merged::of(&self.0)))
            .route("/postman.json", json(&postman::of(&self.0)))
            .merge(page::routes(surfaces));
        for (surface, document) in &self.0 {
            router = router.route(&format!("/openapi/{}.json", surface.name()), json(document));
        }
        router
    }
}

#[cfg(test)]
mod tests;
