//! A refund.

use domain::refund;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Amount, at};
use crate::status::Status;

/// Money on its way back to the payer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refund<'a> {
    /// The refund's id, `ref_…`.
    id: String,
    /// The payment it gives back.
    payment_id: String,
    /// How far it has come. One that `failed` gave nothing back; its amount may be refunded anew.
    status: Status,
    /// How much.
    amount: Amount,
    /// Your reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// When it was asked for.
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
}

impl<'a> Refund<'a> {
    /// The refund as this contract writes it.
    pub fn of(refund: &'a refund::Refund) -> Self {
        Self {
            id: refund.id.to_string(),
            payment_id: refund.payment_id.to_string(),
            status: Status::of_refund(refund.state),
            amount: Amount::of(refund.money),
            reason: refund.reason.as_deref(),
            created_at: at(refund.created_at),
        }
    }

    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}
