//! What an endpoint is told.

use domain::id::EventId;
use domain::notice::{Kind, Notice, Subject};
use time::OffsetDateTime;

use super::response::Payment;
use crate::event;

/// The payment events this contract documents.
pub const EVENTS: [&str; 4] = [
    "payment.succeeded",
    "payment.failed",
    "payment.refunded",
    "payment.disputed",
];

/// The name under which this contract tells of what happened.
#[must_use]
pub const fn word(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::PaymentSucceeded => Some("payment.succeeded"),
        Kind::PaymentFailed => Some("payment.failed"),
        Kind::RefundSettled => Some("payment.refunded"),
        Kind::CustomerCreated
        | Kind::CustomerUpdated
        | Kind::IntentCreated
        | Kind::IntentStatusChanged => None,
    }
}

/// The body of a webhook; `None` if this contract does not tell of it.
#[must_use]
pub fn body(id: EventId, notice: &Notice, happened_at: OffsetDateTime) -> Option<String> {
    let kind = word(notice.kind)?;
    match &notice.subject {
        Subject::Payment(payment) => Some(event::body(id, kind, happened_at, Payment::of(payment))),
        Subject::Refund(_) | Subject::Customer(_) | Subject::Intent { .. } => None,
    }
}
