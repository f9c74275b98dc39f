//! Webhook bodies: one envelope for all surfaces, around an object in the surface's format.

use domain::event::{Event, EventType};
use domain::id::EventId;
use domain::surface::Surface;
use serde::Serialize;
use time::OffsetDateTime;

use crate::subscription::EVERYTHING;
use crate::{finfusion, finternet, paygate};

/// The event types that a subscription's event names select; `*` selects all that the surface
/// sends.
pub fn kinds(surface: Surface, events: &[String]) -> Vec<EventType> {
    let is_asked = |word: &str| {
        events
            .iter()
            .any(|event| event == EVERYTHING || event == word)
    };
    let kinds = EventType::ALL
        .into_iter()
        .filter(|kind| kind.is_subscribable());
    kinds
        .filter(|kind| name(surface, *kind).is_some_and(is_asked))
        .collect()
}

/// The name of an event on a surface; `None` if the surface does not send it.
pub const fn name(surface: Surface, kind: EventType) -> Option<&'static str> {
    match surface {
        Surface::Finternet => finternet::webhook::event_name(kind),
        Surface::Fourgeeks => None,
        Surface::Paygate => paygate::webhook::event_name(kind),
        Surface::Finfusion => finfusion::webhook::event_name(kind),
    }
}

/// The name of an event about an endpoint, the same on every surface that has them.
pub(crate) const DISABLED: &str = "webhook_endpoint.disabled";
/// The name of an event that tests an endpoint.
pub(crate) const TEST: &str = "webhook_endpoint.test";

/// Renders the body of a webhook in the surface's format; `None` if the surface does not send the
/// event.
pub fn render(
    surface: Surface,
    id: EventId,
    event: &Event,
    occurred_at: OffsetDateTime,
) -> Option<String> {
    match surface {
        Surface::Finternet => finternet::webhook::body(id, event, occurred_at),
        Surface::Fourgeeks => None,
        Surface::Paygate => paygate::webhook::body(id, event, occurred_at),
        Surface::Finfusion => finfusion::webhook::body(id, event, occurred_at),
    }
}

#[derive(Serialize)]
struct Envelope<T> {
    id: String,
    object: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    created: i64,
    data: Data<T>,
}

#[derive(Serialize)]
struct Data<T> {
    object: T,
}

/// Builds the body of a webhook from the surface's event name and object.
pub(crate) fn body<T: Serialize>(
    id: EventId,
    kind: &'static str,
    occurred_at: OffsetDateTime,
    object: T,
) -> String {
    crate::json(&Envelope {
        id: id.to_string(),
        object: "event",
        kind,
        created: occurred_at.unix_timestamp(),
        data: Data { object },
    })
}
