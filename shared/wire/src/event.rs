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
    let word = |kind| match surface {
        Surface::Finternet => finternet::webhook::event_name(kind),
        Surface::Fourgeeks => None,
        Surface::Paygate => paygate::webhook::event_name(kind),
        Surface::Finfusion => finfusion::webhook::event_name(kind),
    };
    let is_asked = |word: &str| {
        events
            .iter()
            .any(|event| event == EVERYTHING || event == word)
    };
    let kinds = EventType::ALL.into_iter();
    kinds
        .filter(|kind| word(*kind).is_some_and(is_asked))
        .collect()
}

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
