//! Payment responses.

use domain::money::Money;
use domain::payment::{self, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::status::Status;

/// A payment.
// Fields are in the order of the contract's example.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Payment<'a> {
    /// Id of the payment, `pay_…`.
    id: String,
    /// Status of the payment. `succeeded` and `failed` are final.
    status: Status,
    /// Amount in the currency's smallest unit: 5000 is 50.00 USD.
    amount: i128,
    /// Three-letter ISO 4217 currency code, in upper case.
    currency: &'static str,
    /// Creation time, in Unix seconds.
    created: i64,
    /// The payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<Payer<'a>>,
    /// Your description of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    /// Key-value pairs that you attached to the object.
    #[serde(skip_serializing_if = "Map::is_empty")]
    metadata: &'a Map<String, Value>,
    /// Amount refunded, including pending refunds, in the currency's smallest unit. Absent if
    /// nothing was refunded.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_refunded: Option<i128>,
    /// Machine-readable reason for the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_code: Option<&'static str>,
    /// Human-readable reason for the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_message: Option<&'static str>,
}

/// The payer.
#[derive(Debug, Serialize, JsonSchema)]
struct Payer<'a> {
    /// Id of the customer, `cus_…`.
    id: String,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

impl<'a> Payment<'a> {
    /// Builds the response object from a payment.
    pub fn of(payment: &'a payment::Payment) -> Self {
        // `Money` is never zero, so this is an error if nothing was refunded.
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
