//! What the acquirer is asked.

use serde::Deserialize;

use crate::{
    book::{Order, Refund},
    cards::{Card, Outcome},
    words::{Amount, Currency, Reference},
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
    pub(crate) fn order(&self) -> Order {
        let fault = match self.card.outcome {
            Outcome::Fault(fault) => Some(fault),
            Outcome::Approve | Outcome::Decline(_) => None,
        };
        Order {
            payment: self.payment.clone(),
            amount: self.amount,
            currency: self.currency,
            last4: self.card.last4,
            fault,
        }
    }
}
