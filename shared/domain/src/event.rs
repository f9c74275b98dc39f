//! Events: what merchants are notified of, with a snapshot of the object at that moment.

use crate::customer::Customer;
use crate::endpoint::Endpoint;
use crate::intent::{self, Intent};
use crate::payment::Payment;
use crate::refund::Refund;

/// The type of an event. Each surface translates it to its own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// A payment was captured.
    PaymentSucceeded,
    /// A payment will never be captured.
    PaymentFailed,
    /// A refund was paid back.
    RefundSucceeded,
    /// The acquirer rejected a refund; nothing was paid back.
    RefundFailed,
    /// A customer was created, on its own or with a payment.
    CustomerCreated,
    /// A customer was changed.
    CustomerUpdated,
    /// An intent was created.
    IntentCreated,
    /// An intent's status changed.
    IntentStatusChanged,
    /// An endpoint was disabled because it is gone or fails.
    EndpointDisabled,
    /// A merchant tests an endpoint. It alone receives the event, whatever it subscribed to.
    EndpointTest,
}

names!(EventType {
    PaymentSucceeded = "payment.succeeded",
    PaymentFailed = "payment.failed",
    RefundSucceeded = "refund.succeeded",
    RefundFailed = "refund.failed",
    CustomerCreated = "customer.created",
    CustomerUpdated = "customer.updated",
    IntentCreated = "intent.created",
    IntentStatusChanged = "intent.status_changed",
    EndpointDisabled = "webhook_endpoint.disabled",
    EndpointTest = "webhook_endpoint.test",
});

impl EventType {
    /// Whether endpoints can subscribe to it.
    pub const fn is_subscribable(self) -> bool {
        !matches!(self, EventType::EndpointTest)
    }
}

/// A snapshot taken in the transaction of the change, so that every delivery attempt sends the same
/// content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub event_type: EventType,
    /// The object after the change.
    pub subject: Subject,
}

/// The object an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A payment.
    Payment(Payment),
    /// A refund.
    Refund(Refund),
    /// A customer.
    Customer(Customer),
    /// An intent, and its status before the change.
    Intent {
        /// The intent after the change.
        now: Intent,
        /// The status before the change; `None` for a new intent.
        previous: Option<intent::State>,
    },
    /// A webhook endpoint.
    Endpoint(Endpoint),
}
