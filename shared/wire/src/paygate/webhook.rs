//! What an endpoint is told.

use domain::id::EventId;
use domain::notice::{Kind, Notice};
use time::OffsetDateTime;

use super::response::Payment;
use crate::event;

/// The events this contract documents.
pub const EVENTS: [&str; 5] = [
    "payment.succeeded",
    "payment.failed",
    "refund.created",
    "customer.created",
    "customer.updated",
];

/// The body of a webhook.
#[must_use]
pub fn body(id: EventId, notice: &Notice, happened_at: OffsetDateTime) -> String {
    let kind = match notice.kind {
        Kind::PaymentSucceeded => "payment.succeeded",
        Kind::PaymentFailed => "payment.failed",
    };
    event::body(id, kind, happened_at, Payment::of(&notice.payment))
}
