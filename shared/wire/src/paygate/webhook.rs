//! What an endpoint is told.

use domain::id::EventId;
use domain::notice::{Kind, Notice};
use serde::Serialize;
use time::OffsetDateTime;

use super::response::Payment;

/// The events this contract documents.
pub const EVENTS: [&str; 5] = [
    "payment.succeeded",
    "payment.failed",
    "refund.created",
    "customer.created",
    "customer.updated",
];

#[derive(Serialize)]
struct Event<'a> {
    id: String,
    object: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    created: i64,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    object: Payment<'a>,
}

/// The body of a webhook.
#[must_use]
pub fn body(id: EventId, notice: &Notice, happened_at: OffsetDateTime) -> String {
    let kind = match notice.kind {
        Kind::PaymentSucceeded => "payment.succeeded",
        Kind::PaymentFailed => "payment.failed",
    };
    crate::json(&Event {
        id: id.to_string(),
        object: "event",
        kind,
        created: happened_at.unix_timestamp(),
        data: Data {
            object: Payment::of(&notice.payment),
        },
    })
}
