//! A payment.

use domain::money::Money;
use domain::payment::{self, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::status::Status;

/// A payment.
// In the order of the contract's example.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Payment<'a> {
    /// The payment's id, `pay_…`.
    id: String,
    /// How far it has come. `succeeded` and `failed` are final.
    status: Status,
    /// How much, in the currency's smallest unit: 5000 is 50.00 USD.
    amount: i128,
    /// ISO 4217 code.
    currency: &'static str,
    /// When it was created, in Unix seconds.
    created: i64,
    /// Who pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<Payer<'a>>,
    /// Your own words about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    /// Your own keys and values.
    #[serde(skip_serializing_if = "Map::is_empty")]
    metadata: &'a Map<String, Value>,
    /// How much was given back or is on its way back, in the currency's smallest unit. Not there
    /// while it is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_refunded: Option<i128>,
    /// Why it failed, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_code: Option<&'static str>,
    /// Why it failed, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_message: Option<&'static str>,
}

/// Who pays.
#[derive(Debug, Serialize, JsonSchema)]
struct Payer<'a> {
    /// The customer's id, `cus_…`.
    id: String,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

impl<'a> Payment<'a> {
    /// The payment as this contract writes it.
    pub fn of(payment: &'a payment::Payment) -> Self {
        // Nothing is no money.
        let refunded = Money::from_major(payment.refunded, payment.money.currency());
        Self {
            id: payment.id.to_string(),
            status: Status::of_payment(payment.state),
            amount: payment.money.minor(),
            currency: payment.money.currency().code(),
            created: payment.created_at.unix_timestamp(),
            customer: payment.customer.as_ref().map(|customer| Payer {
                id: customer.id.to_string(),
                email: customer.email.as_deref(),
            }),
            description: payment.description.as_deref(),
            metadata: &payment.metadata,
            amount_refunded: refunded.ok().map(|refunded| refunded.minor()),
            failure_code: payment.failure.map(Failure::name),
            failure_message: payment.failure.map(failure_message),
        }
    }

    /// The body.
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
