//! A refund.

use domain::refund;
use schemars::JsonSchema;
use serde::Serialize;

use crate::status::Status;

/// Money on its way back to the payer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refund<'a> {
    /// The refund's id, `ref_…`.
    id: String,
    /// Always `refund`.
    #[schemars(extend("const" = "refund"))]
    object: &'static str,
    /// The payment it gives back.
    payment_id: String,
    /// How much, in the currency's smallest unit.
    amount: i128,
    /// The payment's currency, an ISO 4217 code.
    currency: &'static str,
    /// How far it has come. One that `failed` gave nothing back; its amount may be refunded anew.
    status: Status,
    /// Your reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// When it was asked for, in Unix seconds.
    created: i64,
}

impl<'a> Refund<'a> {
    /// The refund as this contract writes it.
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

    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}
