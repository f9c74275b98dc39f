//! Refund responses.

use domain::refund;
use schemars::JsonSchema;
use serde::Serialize;

use super::Amount;
use crate::iso8601::seconds;
use crate::status::Status;

/// A refund of a payment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refund<'a> {
    /// Id of the refund, `ref_…`.
    id: String,
    /// Id of the refunded payment.
    payment_id: String,
    /// Status of the refund. If it is `failed`, the payer received nothing and the amount can be
    /// refunded again.
    status: Status,
    /// Amount of the refund.
    amount: Amount,
    /// Your reason for the refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// Creation time, in ISO 8601.
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
}

impl<'a> Refund<'a> {
    /// Builds the response object from a refund.
    pub fn of(refund: &'a refund::Refund) -> Self {
        Self {
            id: refund.id.to_string(),
            payment_id: refund.payment_id.to_string(),
            status: Status::of_refund(refund.state),
            amount: Amount::of(refund.money),
            reason: refund.reason.as_deref(),
            created_at: seconds(refund.created_at),
        }
    }
}
