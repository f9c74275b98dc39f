//! Notices: what a merchant is told, and the facts at that moment.

use serde::{Deserialize, Serialize};

use crate::customer::Customer;
use crate::intent::{self, Intent};
use crate::payment::Payment;
use crate::refund::Refund;

/// What happened, in the core's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventType {
    /// A payment was captured.
    #[serde(rename = "payment.succeeded")]
    PaymentSucceeded,
    /// A payment will never be captured.
    #[serde(rename = "payment.failed")]
    PaymentFailed,
    /// A refund gave money back.
    #[serde(rename = "refund.settled")]
    RefundSettled,
    /// A refund gave nothing back: the acquirer refused it.
    #[serde(rename = "refund.failed")]
    RefundFailed,
    /// A customer was made, by itself or with a payment.
    #[serde(rename = "customer.created")]
    CustomerCreated,
    /// A customer was changed.
    #[serde(rename = "customer.updated")]
    CustomerUpdated,
    /// An intent was made.
    #[serde(rename = "intent.created")]
    IntentCreated,
    /// An intent has another status than before.
    #[serde(rename = "intent.status_changed")]
    IntentStatusChanged,
}

impl EventType {
    /// Every kind.
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
    #[must_use]
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
}

/// Facts frozen with the change they tell of, so that every attempt to deliver says the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub event_type: EventType,
    /// To what, as it was left.
    #[serde(flatten)]
    pub subject: Subject,
}

/// What a notice speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A payment.
    Payment(Payment),
    /// A refund.
    Refund(Refund),
    /// A customer.
    Customer(Customer),
    /// An intent, and the status it had before.
    Intent {
        /// As it was left.
        now: Intent,
        /// Its status before, if it had one.
        previous: Option<intent::State>,
    },
}
