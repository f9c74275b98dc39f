//! Webhooks: event names and bodies.

use domain::event::{Event, EventType, Subject};
use domain::id::EventId;
use time::OffsetDateTime;

use super::response::{Customer, Endpoint, Payment, Refund};
use crate::{event, subscription};

/// Events that endpoints can subscribe to.
pub const EVENTS: [&str; 6] = [
    "payment.succeeded",
    "payment.failed",
    "refund.created",
    "customer.created",
    "customer.updated",
    event::DISABLED,
];

/// The name of an event in this API; `None` if this API does not send it.
pub const fn event_name(kind: EventType) -> Option<&'static str> {
    match kind {
        EventType::PaymentSucceeded => Some("payment.succeeded"),
        EventType::PaymentFailed => Some("payment.failed"),
        EventType::RefundSucceeded | EventType::RefundFailed => Some("refund.created"),
        EventType::CustomerCreated => Some("customer.created"),
        EventType::CustomerUpdated => Some("customer.updated"),
        EventType::EndpointDisabled => Some(event::DISABLED),
        EventType::EndpointTest => Some(event::TEST),
        EventType::IntentCreated | EventType::IntentStatusChanged => None,
    }
}

/// Renders the body of a webhook; `None` if this API does not send the event.
pub fn body(id: EventId, event: &Event, occurred_at: OffsetDateTime) -> Option<String> {
    let kind = event_name(event.event_type)?;
    match &event.subject {
        Subject::Payment(payment) => Some(event::body(id, kind, occurred_at, Payment::of(payment))),
        Subject::Refund(refund) => Some(event::body(id, kind, occurred_at, Refund::of(refund))),
        Subject::Customer(customer) => {
            Some(event::body(id, kind, occurred_at, Customer::of(customer)))
        }
        Subject::Endpoint(stored) => {
            let endpoint = subscription::Endpoint::in_event(stored);
            let object = Endpoint::of(&endpoint, None);
            Some(event::body(id, kind, occurred_at, object))
        }
        Subject::Intent { .. } => None,
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
        samples::webhook(Surface::Paygate, kind, subject)
    }

    #[test]
    fn every_event_may_be_subscribed_to() {
        let kinds = EventType::ALL.into_iter();
        let kinds = kinds.filter(|kind| kind.is_subscribable());
        let mut words: Vec<_> = kinds.filter_map(event_name).collect();
        words.sort_unstable();
        words.dedup();
        let mut events = EVENTS;
        events.sort_unstable();
        assert_eq!(words, events);
    }

    #[test]
    fn a_refund_is_sent_as_a_refund() -> Result<(), Error> {
        for (kind, state, status) in [
            (EventType::RefundSucceeded, "refunded", "succeeded"),
            (EventType::RefundFailed, "failed", "failed"),
        ] {
            let refund = Subject::Refund(samples::refund(state)?);
            let expected = json!({
                "id": "evt_0000000000000000000001", "object": "event", "type": "refund.created",
                "created": 0,
                "data": {"object": {
                    "id": "ref_02yQFA33G4VKAod8VHfhj9", "object": "refund",
                    "payment_id": "pay_02yQFA33G4VKAod8VHfhj7", "amount": 2500,
                    "currency": "USD", "status": status, "reason": "customer_request",
                    "created": 1_699_564_900
                }}
            });
            assert_eq!(rendered(kind, refund), Some(expected));
        }
        Ok(())
    }

    #[test]
    fn a_customer_is_sent_as_it_is_read() -> Result<(), Error> {
        let customer = samples::customer()?;
        let read: Value = from_str(&Customer::of(&customer).body())?;
        let expected = json!({
            "id": "cus_02yQFA33G4VKAod8VHfhj8", "object": "customer",
            "email": "customer@example.com", "name": "John Doe", "phone": null,
            "description": null, "metadata": {"company": "Acme Inc"}, "created": 1_699_564_800
        });
        assert_eq!(read, expected);
        for (kind, word) in [
            (EventType::CustomerCreated, "customer.created"),
            (EventType::CustomerUpdated, "customer.updated"),
        ] {
            let event = rendered(kind, Subject::Customer(customer.clone())).unwrap_or_default();
            assert_eq!(event.pointer("/type"), Some(&word.into()));
            assert_eq!(event.pointer("/data/object"), Some(&read));
        }
        Ok(())
    }

    #[test]
    fn what_was_given_back_is_said_once_it_is_something() -> Result<(), Error> {
        for (refunded, said) in [
            ("0", None),
            ("0.00", None),
            ("0.01", Some(json!(1))),
            ("25.00", Some(json!(2500))),
            ("50", Some(json!(5000))),
        ] {
            let read: Value = from_str(&Payment::of(&samples::payment(refunded)?).body())?;
            assert_eq!(read.get("amount_refunded"), said.as_ref(), "{refunded}");
            assert_eq!(read.get("status"), Some(&json!("succeeded")));
        }
        Ok(())
    }
}
