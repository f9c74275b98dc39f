//! The acquirer's requests.

use serde::Deserialize;

use crate::{
    cards::{Card, Outcome},
    fields::{Amount, Currency, Reference},
    ledger::{Details, Refund},
};

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AuthorizationRequest {
    pub(crate) reference: Reference,
    pub(crate) payment: Reference,
    pub(crate) amount: Amount,
    pub(crate) currency: Currency,
    pub(crate) card: Card,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CaptureRequest {
    pub(crate) amount: Amount,
    pub(crate) currency: Currency,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RefundRequest {
    pub(crate) reference: Reference,
    #[serde(flatten)]
    pub(crate) refund: Refund,
}

impl AuthorizationRequest {
    pub(crate) fn details(&self) -> Details {
        let fault = match self.card.outcome {
            Outcome::Fault(fault) => Some(fault),
            Outcome::Approve | Outcome::Decline(_) => None,
        };
        Details {
            payment: self.payment.clone(),
            amount: self.amount,
            currency: self.currency,
            last4: self.card.last4,
            fault,
        }
    }
}
