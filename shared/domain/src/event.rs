//! Events: what merchants are notified of, with a snapshot of the object at that moment.

use serde::{Deserialize, Serialize};

use crate::customer::Customer;
use crate::intent::{self, Intent};
use crate::payment::Payment;
use crate::refund::Refund;

/// The type of an event. Each surface translates it to its own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventType {
    /// A payment was captured.
    #[serde(rename = "payment.succeeded")]
    PaymentSucceeded,
    /// A payment will never be captured.
    #[serde(rename = "payment.failed")]
    PaymentFailed,
    /// A refund was paid back.
    #[serde(rename = "refund.settled")]
    RefundSettled,
    /// The acquirer rejected a refund; nothing was paid back.
    #[serde(rename = "refund.failed")]
    RefundFailed,
    /// A customer was created, on its own or with a payment.
    #[serde(rename = "customer.created")]
    CustomerCreated,
    /// A customer was changed.
    #[serde(rename = "customer.updated")]
    CustomerUpdated,
    /// An intent was created.
    #[serde(rename = "intent.created")]
    IntentCreated,
    /// An intent's status changed.
    #[serde(rename = "intent.status_changed")]
    IntentStatusChanged,
}

impl EventType {
    /// Every type.
    pub const ALL: [EventType; 8] = [
        EventType::PaymentSucceeded,
        EventType::PaymentFailed,
        EventType::RefundSettled,
        EventType::RefundFailed,
        EventType::CustomerCreated,
        EventType::CustomerUpdated,
        EventType::IntentCreated,
        EventType::IntentStatusChanged,
    ];

    /// The name in the events table.
    pub const fn name(self) -> &'static str {
        match self {
            EventType::PaymentSucceeded => "payment.succeeded",
            EventType::PaymentFailed => "payment.failed",
            EventType::RefundSettled => "refund.settled",
            EventType::RefundFailed => "refund.failed",
            EventType::CustomerCreated => "customer.created",
            EventType::CustomerUpdated => "customer.updated",
            EventType::IntentCreated => "intent.created",
            EventType::IntentStatusChanged => "intent.status_changed",
        }
    }

    /// The inverse of [`EventType::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|event_type| event_type.name() == name)
    }
}

/// A snapshot taken in the transaction of the change, so that every delivery attempt sends the same
/// content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub event_type: EventType,
    /// The object after the change.
    #[serde(flatten)]
    pub subject: Subject,
}

/// The object an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
}
