//! Webhooks: event names and bodies.

use domain::event::{Event, EventType, Subject};
use domain::id::EventId;
use domain::intent;
use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;

use super::response::{PaymentIntent, WebhookEndpoint};
use super::status;
use crate::{event, subscription};

/// Events documented for this API, those that appear only in its vendor's code, and those of
/// endpoints. Clients may
/// subscribe to all of them, including those that are never sent, so that existing clients work
/// unchanged; [`event_name`] returns those that are sent.
pub const EVENTS: [&str; 21] = [
    "payment_intent.created",
    "payment_intent.status_changed",
    "payment_intent.blockchain_tx_submitted",
    "payment_intent.blockchain_tx_confirmed",
    "payment_intent.settlement_initiated",
    "payment_intent.settlement_completed",
    "escrow_order.created",
    "delivery_proof.submitted",
    "dispute.raised",
    "dispute.resolved",
    "time_lock.released",
    "milestone.completed",
    "payment_intent.signature_required",
    "payment_intent.signature_verified",
    "payment_intent.processing",
    "payment_intent.succeeded",
    "payment_intent.settlement_failed",
    "payment_intent.settled",
    "payment_intent.canceled",
    "payment_intent.failed",
    event::DISABLED,
];

/// The name of an event in this API; `None` if this API does not send it.
pub const fn event_name(kind: EventType) -> Option<&'static str> {
    match kind {
        EventType::IntentCreated => Some("payment_intent.created"),
        EventType::IntentStatusChanged => Some("payment_intent.status_changed"),
        EventType::EndpointDisabled => Some(event::DISABLED),
        EventType::EndpointTest => Some(event::TEST),
        EventType::PaymentSucceeded
        | EventType::PaymentFailed
        | EventType::RefundSucceeded
        | EventType::RefundFailed
        | EventType::CustomerCreated
        | EventType::CustomerUpdated => None,
    }
}

/// A payment intent in a webhook.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventObject<'a> {
    #[serde(flatten)]
    intent: PaymentIntent<'a>,
    /// Status before the change. Absent if the payment intent is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_status: Option<&'static str>,
}

/// Renders the body of a webhook; `None` if this API does not send the event.
pub fn body(id: EventId, event: &Event, occurred_at: OffsetDateTime) -> Option<String> {
    let kind = event_name(event.event_type)?;
    match &event.subject {
        Subject::Intent { now, previous } => {
            let object = EventObject::of(now, *previous);
            Some(event::body(id, kind, occurred_at, object))
        }
        Subject::Endpoint(stored) => {
            let endpoint = subscription::Endpoint::in_event(stored);
            let object = WebhookEndpoint::of(&endpoint, None);
            Some(event::body(id, kind, occurred_at, object))
        }
        Subject::Payment(_) | Subject::Refund(_) | Subject::Customer(_) => None,
    }
}

impl<'a> EventObject<'a> {
    fn of(now: &'a intent::Intent, previous: Option<intent::State>) -> Self {
        Self {
            intent: PaymentIntent::of(now),
            previous_status: previous.map(status),
        }
    }
}

#[cfg(test)]
#[expect(
    clippy::indexing_slicing,
    reason = "JSON is read by its members; one that is missing is null and fails its assertion"
)]
mod tests {
    use domain::surface::Surface;
    use serde_json::Value;

    use super::*;
    use crate::samples;

    fn rendered(kind: EventType, subject: Subject) -> Value {
        samples::webhook(Surface::Finternet, kind, subject).unwrap_or_default()
    }

    #[test]
    fn a_change_carries_the_previous_status() -> Result<(), serde_json::Error> {
        let mut now = samples::intent(None)?;
        now.canceled_at = Some(now.created_at);
        let previous = Some(intent::State::Initiated);
        let event = rendered(
            EventType::IntentStatusChanged,
            Subject::Intent { now, previous },
        );
        assert_eq!(event["type"], "payment_intent.status_changed");
        assert_eq!(event["object"], "event");
        let object = &event["data"]["object"];
        assert_eq!(object["object"], "payment_intent");
        assert_eq!(object["status"], "CANCELED");
        assert_eq!(object["previous_status"], "INITIATED");
        assert_eq!(object["amount"], "1000.00");
        Ok(())
    }

    #[test]
    fn what_is_new_had_no_status_before() -> Result<(), serde_json::Error> {
        let (now, previous) = (samples::intent(None)?, None);
        let event = rendered(EventType::IntentCreated, Subject::Intent { now, previous });
        assert_eq!(event["type"], "payment_intent.created");
        assert_eq!(event["data"]["object"]["status"], "INITIATED");
        assert_eq!(event["data"]["object"].get("previous_status"), None);
        Ok(())
    }

    #[test]
    fn every_event_may_be_subscribed_to() {
        let kinds = EventType::ALL.into_iter();
        let kinds = kinds.filter(|kind| kind.is_subscribable());
        for word in kinds.filter_map(event_name) {
            assert!(EVENTS.contains(&word), "{word}");
        }
    }
}
