//! Refund responses.

use domain::refund;
use schemars::JsonSchema;
use serde::Serialize;

use crate::status::Status;

/// A refund of a payment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refund<'a> {
    /// Id of the refund, `ref_…`.
    id: String,
    /// Always `refund`.
    #[schemars(extend("const" = "refund"))]
    object: &'static str,
    /// Id of the refunded payment.
    payment_id: String,
    /// Amount in the currency's smallest unit.
    amount: i128,
    /// Three-letter ISO 4217 currency code of the payment, in upper case.
    currency: &'static str,
    /// Status of the refund. If it is `failed`, the payer received nothing and the amount can be
    /// refunded again.
    status: Status,
    /// Your reason for the refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// Creation time, in Unix seconds.
    created: i64,
}

impl<'a> Refund<'a> {
    /// Builds the response object from a refund.
    pub fn of(refund: &'a refund::Refund) -> Self {
        Self {
            id: refund.id.to_string(),
            object: "refund",
            payment_id: refund.payment_id.to_string(),
            amount: refund.money.minor(),
            currency: refund.money.currency().code(),
            status: Status::of_refund(refund.state),
            reason: refund.reason.as_deref(),
            created: refund.created_at.unix_timestamp(),
        }
    }
}
