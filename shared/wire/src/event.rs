//! What every webhook looks like: one envelope for all surfaces, around an object in the
//! endpoint's own words.

use domain::event::{Event, EventType};
use domain::id::EventId;
use domain::surface::Surface;
use serde::Serialize;
use time::OffsetDateTime;

use crate::subscription::EVERYTHING;
use crate::{finfusion, finternet, paygate};

/// The kinds of events that a subscription in a surface's words asks for; `*` is everything that
/// the surface tells of.
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

/// The body of a webhook in the words of the endpoint's surface; `None` if it is not told there.
pub fn render(
    surface: Surface,
    id: EventId,
    event: &Event,
    happened_at: OffsetDateTime,
) -> Option<String> {
    match surface {
        Surface::Finternet => finternet::webhook::body(id, event, happened_at),
        Surface::Fourgeeks => None,
        Surface::Paygate => paygate::webhook::body(id, event, happened_at),
        Surface::Finfusion => finfusion::webhook::body(id, event, happened_at),
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

/// The body of a webhook of this kind, in its surface's word, about this object.
pub(crate) fn body<T: Serialize>(
    id: EventId,
    kind: &'static str,
    happened_at: OffsetDateTime,
    object: T,
) -> String {
    crate::json(&Envelope {
        id: id.to_string(),
        object: "event",
        kind,
        created: happened_at.unix_timestamp(),
        data: Data { object },
    })
}
