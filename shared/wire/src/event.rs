//! What every webhook looks like: one envelope for all surfaces, around an object in the
//! endpoint's own words.

use domain::id::EventId;
use serde::Serialize;
use time::OffsetDateTime;

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
pub fn body<T: Serialize>(
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
