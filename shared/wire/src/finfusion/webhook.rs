//! Webhooks: event names and bodies.

use domain::event::{Event, EventType, Subject};
use domain::id::EventId;
use time::OffsetDateTime;

use super::response::{Endpoint, Payment, Refund};
use crate::{event, subscription};

/// Events documented for this API, and those of endpoints. Clients may subscribe to all of them, including those that are
/// never sent, so that existing clients work unchanged; [`event_name`] returns those that are sent.
pub const EVENTS: [&str; 13] = [
    "payment.succeeded",
    "payment.failed",
    "payment.refunded",
    "payment.disputed",
    "account.created",
    "account.updated",
    "transfer.succeeded",
    "transfer.failed",
    "card.created",
    "card.activated",
    "card.blocked",
    "card.transaction",
    event::DISABLED,
];

/// The name of an event in this API; `None` if this API does not send it.
pub const fn event_name(kind: EventType) -> Option<&'static str> {
    match kind {
        EventType::PaymentSucceeded => Some("payment.succeeded"),
        EventType::PaymentFailed => Some("payment.failed"),
        EventType::RefundSucceeded => Some("payment.refunded"),
        EventType::EndpointDisabled => Some(event::DISABLED),
        EventType::EndpointTest => Some(event::TEST),
        // The contract documents no event for a failed refund.
        EventType::RefundFailed
        | EventType::CustomerCreated
        | EventType::CustomerUpdated
        | EventType::IntentCreated
        | EventType::IntentStatusChanged => None,
    }
}

/// Renders the body of a webhook; `None` if this API does not send the event.
pub fn body(id: EventId, event: &Event, occurred_at: OffsetDateTime) -> Option<String> {
    let kind = event_name(event.event_type)?;
    match &event.subject {
        Subject::Payment(payment) => Some(event::body(id, kind, occurred_at, Payment::of(payment))),
        // The object is the refund rather than the payment, which may be refunded in several parts.
        Subject::Refund(refund) => Some(event::body(id, kind, occurred_at, Refund::of(refund))),
        Subject::Endpoint(stored) => {
            let endpoint = subscription::Endpoint::in_event(stored);
            let object = Endpoint::of(&endpoint, None);
            Some(event::body(id, kind, occurred_at, object))
        }
        Subject::Customer(_) | Subject::Intent { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use domain::surface::Surface;
    use serde_json::{Error, Value, from_str, json};

    use super::*;
    use crate::Body;
    use crate::samples;

    fn rendered(kind: EventType, subject: Subject) -> Option<Value> {
        samples::webhook(Surface::Finfusion, kind, subject)
    }

    #[test]
    fn every_event_may_be_subscribed_to() {
        let kinds = EventType::ALL.into_iter();
        let kinds = kinds.filter(|kind| kind.is_subscribable());
        for word in kinds.filter_map(event_name) {
            assert!(EVENTS.contains(&word), "{word}");
        }
    }

    #[test]
    fn a_payment_and_its_refund_have_this_contracts_format() -> Result<(), Error> {
        let payment = samples::payment("0")?;
        let read: Value = from_str(&Payment::of(&payment).body())?;
        let event =
            rendered(EventType::PaymentSucceeded, Subject::Payment(payment)).unwrap_or_default();
        assert_eq!(event.pointer("/type"), Some(&json!("payment.succeeded")));
        assert_eq!(event.pointer("/created"), Some(&json!(0)));
        assert_eq!(event.pointer("/data/object"), Some(&read));

        let refund = Subject::Refund(samples::refund("refunded")?);
        let expected = json!({
            "id": "evt_0000000000000000000001", "object": "event", "type": "payment.refunded",
            "created": 0,
            "data": {"object": {
                "id": "ref_02yQFA33G4VKAod8VHfhj9",
                "payment_id": "pay_02yQFA33G4VKAod8VHfhj7", "status": "succeeded",
                "amount": {"value": 2500, "currency": "USD"}, "reason": "customer_request",
                "created_at": "2023-11-09T21:21:40Z"
            }}
        });
        assert_eq!(rendered(EventType::RefundSucceeded, refund), Some(expected));
        let failed = Subject::Refund(samples::refund("failed")?);
        assert_eq!(rendered(EventType::RefundFailed, failed), None);
        Ok(())
    }

    #[test]
    fn customers_have_no_event_here() -> Result<(), Error> {
        let customer = Subject::Customer(samples::customer()?);
        assert_eq!(rendered(EventType::CustomerCreated, customer), None);
        Ok(())
    }
}
