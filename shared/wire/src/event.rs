//! What every webhook looks like: one envelope for all surfaces, around an object in the
//! endpoint's own words.

use domain::id::EventId;
use domain::notice::{Kind, Notice};
use domain::surface::Surface;
use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::{finfusion, finternet, paygate};

/// Under which name each surface is told of this kind; surfaces that are not told are left out.
#[must_use]
pub fn words(kind: Kind) -> Map<String, Value> {
    let word = |surface| match surface {
        Surface::Finternet => finternet::webhook::word(kind),
        Surface::Fourgeeks => None,
        Surface::Paygate => paygate::webhook::word(kind),
        Surface::Finfusion => finfusion::webhook::word(kind),
    };
    let words = Surface::ALL.into_iter();
    let words =
        words.filter_map(|surface| Some((surface.name().to_owned(), word(surface)?.into())));
    words.collect()
}

/// The body of a webhook in the words of the endpoint's surface; `None` if it is not told there.
#[must_use]
pub fn render(
    surface: Surface,
    id: EventId,
    notice: &Notice,
    happened_at: OffsetDateTime,
) -> Option<String> {
    match surface {
        Surface::Finternet => finternet::webhook::body(id, notice, happened_at),
        Surface::Fourgeeks => None,
        Surface::Paygate => paygate::webhook::body(id, notice, happened_at),
        Surface::Finfusion => finfusion::webhook::body(id, notice, happened_at),
    }
}

#[derive(Serialize)]
struct Event<T> {
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
    crate::json(&Event {
        id: id.to_string(),
        object: "event",
        kind,
        created: happened_at.unix_timestamp(),
        data: Data { object },
    })
}
