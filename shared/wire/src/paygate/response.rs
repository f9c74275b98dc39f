//! What a client is answered.

use domain::id::EndpointId;
use domain::payment::{self, Failure, State};
use serde::Serialize;
use time::OffsetDateTime;

use crate::subscription::Subscription;

/// A payment's status in this contract.
#[must_use]
pub const fn status(state: State) -> &'static str {
    match state {
        State::Created | State::Authorizing | State::Capturing => "pending",
        State::Captured => "succeeded",
        State::Failed | State::Expired => "failed",
    }
}

/// A payment, in the order of the contract's example.
#[derive(Debug, Serialize)]
pub struct Payment<'a> {
    id: String,
    status: &'static str,
    amount: i128,
    currency: &'static str,
    created: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<Customer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    metadata: &'a serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_message: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Customer<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

impl<'a> Payment<'a> {
    /// The payment as this contract writes it.
    #[must_use]
    pub fn of(payment: &'a payment::Payment) -> Self {
        Self {
            id: payment.id.to_string(),
            status: status(payment.state),
            amount: payment.money.minor(),
            currency: payment.money.currency().code(),
            created: payment.created_at.unix_timestamp(),
            customer: payment.customer.as_ref().map(|customer| Customer {
                id: customer.id.to_string(),
                email: customer.email.as_deref(),
            }),
            description: payment.description.as_deref(),
            metadata: &payment.metadata,
            failure_code: payment.failure.map(Failure::name),
            failure_message: payment.failure.map(failure_message),
        }
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

const fn failure_message(failure: Failure) -> &'static str {
    match failure {
        Failure::CardDeclined => "The card was declined.",
        Failure::InsufficientFunds => "The card has insufficient funds.",
        Failure::ExpiredCard => "The card has expired.",
        Failure::ProcessingError => "The payment could not be processed. Nothing was charged.",
        Failure::PaymentExpired => "The payment was not paid in time.",
    }
}

/// A registered endpoint; its secret is shown here and never again.
#[derive(Debug, Serialize)]
pub struct Endpoint<'a> {
    id: String,
    object: &'static str,
    url: &'a str,
    events: &'a [String],
    status: &'static str,
    created: i64,
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    metadata: &'a serde_json::Map<String, serde_json::Value>,
    secret: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<&'a str>,
}

impl<'a> Endpoint<'a> {
    /// The endpoint as this contract writes it.
    #[must_use]
    pub fn of(
        id: EndpointId,
        asked: &'a Subscription,
        created: OffsetDateTime,
        secret: &'a str,
        public_key: Option<&'a str>,
    ) -> Self {
        Self {
            id: id.to_string(),
            object: "webhook_endpoint",
            url: &asked.url,
            events: &asked.events,
            status: "active",
            created: created.unix_timestamp(),
            metadata: &asked.metadata,
            secret,
            public_key,
        }
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> String {
        crate::json(self)
    }
}
