//! What the acquirer says.

use serde::Serialize;
use tokio::time::Instant;

use crate::{
    book::{ApprovalCode, Authorization, Order, State},
    cards::{Decline, Fault},
    words::{Amount, Currency, Reference},
};

/// What is to be said to a request for authorization.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Decided now; the card may bend how it is told.
    Decided(Answer, Option<Fault>),
    /// Decided before.
    Repeated(Answer),
    Thinking {
        until: Instant,
    },
    /// Nothing was done and nothing is known.
    Untouched(Fault),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Answer {
    pub(crate) reference: Reference,
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authorization_code: Option<ApprovalCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<Decline>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Processing,
    Approved,
    Declined,
    Captured,
    Voided,
    Refunded,
}

/// The answer to an enquiry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Standing {
    #[serde(flatten)]
    pub(crate) answer: Answer,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<Currency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) captured: Option<Amount>,
}

/// Why a request is not fulfilled; what a 4xx says is decided at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("not_found")]
    NotFound,
    #[error("reference_reused")]
    ReferenceReused,
    #[error("not_capturable")]
    NotCapturable,
    #[error("already_captured")]
    AlreadyCaptured,
    #[error("not_captured")]
    NotCaptured,
    #[error("not_refundable")]
    NotRefundable,
    #[error("amount_exceeded")]
    AmountExceeded,
    #[error("currency_differs")]
    CurrencyDiffers,
    #[error("internal")]
    Broken,
}

impl Answer {
    pub(crate) fn plain(reference: &Reference, status: Status) -> Self {
        Self {
            reference: reference.clone(),
            status,
            authorization_code: None,
            code: None,
        }
    }

    /// The answer to a request for authorization. A voided one is never
    /// called approved again, whatever it was before.
    pub(crate) fn to_authorize(reference: &Reference, authorization: &Authorization) -> Self {
        let (status, code) = match authorization.state {
            State::Approved | State::Captured(_) => (Status::Approved, None),
            State::Declined(why) => (Status::Declined, Some(why)),
            State::Voided => (Status::Declined, Some(Decline::Voided)),
        };
        let authorization_code = authorization
            .approval
            .filter(|_| status == Status::Approved);
        Self {
            authorization_code,
            code,
            ..Self::plain(reference, status)
        }
    }
}

impl Standing {
    pub(crate) fn of(reference: &Reference, authorization: &Authorization) -> Self {
        let (status, code, captured) = match authorization.state {
            State::Approved => (Status::Approved, None, None),
            State::Declined(why) => (Status::Declined, Some(why), None),
            State::Captured(amount) => (Status::Captured, None, Some(amount)),
            State::Voided => (Status::Voided, None, None),
        };
        let authorization_code = authorization.approval;
        let answer = Answer {
            authorization_code,
            code,
            ..Answer::plain(reference, status)
        };
        let standing = Self {
            captured,
            ..Self::bare(answer)
        };
        authorization
            .order
            .as_ref()
            .map_or(standing.clone(), |order| standing.about(order))
    }

    pub(crate) fn processing(reference: &Reference, order: &Order) -> Self {
        Self::bare(Answer::plain(reference, Status::Processing)).about(order)
    }

    fn bare(answer: Answer) -> Self {
        Self {
            answer,
            payment: None,
            amount: None,
            currency: None,
            captured: None,
        }
    }

    fn about(self, order: &Order) -> Self {
        Self {
            payment: Some(order.payment.clone()),
            amount: Some(order.amount),
            currency: Some(order.currency),
            ..self
        }
    }
}
