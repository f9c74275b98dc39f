//! Notices: what a merchant is told, and the facts at that moment.

use serde::{Deserialize, Serialize};

use crate::payment::Payment;

/// What happened, in the core's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A payment was captured.
    #[serde(rename = "payment.succeeded")]
    PaymentSucceeded,
    /// A payment will never be captured.
    #[serde(rename = "payment.failed")]
    PaymentFailed,
}

impl Kind {
    /// The name in the events table and in endpoints' subscriptions.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::PaymentSucceeded => "payment.succeeded",
            Kind::PaymentFailed => "payment.failed",
        }
    }
}

/// Facts frozen with the change they tell of, so that every attempt to deliver says the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What happened.
    pub kind: Kind,
    /// The payment as it was left.
    pub payment: Payment,
}
