//! The acquirer's responses and errors.

use serde::Serialize;
use tokio::time::Instant;

use crate::{
    cards::{Decline, Fault},
    fields::{Amount, Currency, Reference},
    ledger::{ApprovalCode, Authorization, Details, State},
};

/// The result of an authorization request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Decided now. The card's fault, if any, affects how the response is sent.
    Decided(StatusResponse, Option<Fault>),
    /// Decided earlier; the response is sent without faults.
    Repeated(StatusResponse),
    /// Will be decided at `until`.
    Pending { until: Instant },
    /// The fault makes the acquirer ignore the request; nothing is recorded.
    NotProcessed(Fault),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct StatusResponse {
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

/// The response to an enquiry: the status, and the recorded details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct EnquiryResponse {
    #[serde(flatten)]
    pub(crate) response: StatusResponse,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<Currency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) captured: Option<Amount>,
}

/// Why a request is rejected. The texts are the error codes of the HTTP API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AcquirerError {
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
    Internal,
}

impl StatusResponse {
    pub(crate) fn new(reference: &Reference, status: Status) -> Self {
        Self {
            reference: reference.clone(),
            status,
            authorization_code: None,
            code: None,
        }
    }

    /// The response to an authorization request, first or repeated. A voided authorization is
    /// reported as declined, even if it was approved before, so that the client never captures it.
    pub(crate) fn of_authorization(reference: &Reference, authorization: &Authorization) -> Self {
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
            ..Self::new(reference, status)
        }
    }
}

impl EnquiryResponse {
    pub(crate) fn of(reference: &Reference, authorization: &Authorization) -> Self {
        let (status, code, captured) = match authorization.state {
            State::Approved => (Status::Approved, None, None),
            State::Declined(why) => (Status::Declined, Some(why), None),
            State::Captured(amount) => (Status::Captured, None, Some(amount)),
            State::Voided => (Status::Voided, None, None),
        };
        let authorization_code = authorization.approval;
        let response = StatusResponse {
            authorization_code,
            code,
            ..StatusResponse::new(reference, status)
        };
        let enquiry = Self {
            captured,
            ..Self::without_details(response)
        };
        authorization
            .details
            .as_ref()
            .map_or(enquiry.clone(), |details| enquiry.with_details(details))
    }

    pub(crate) fn processing(reference: &Reference, details: &Details) -> Self {
        let response = StatusResponse::new(reference, Status::Processing);
        Self::without_details(response).with_details(details)
    }

    fn without_details(response: StatusResponse) -> Self {
        Self {
            response,
            payment: None,
            amount: None,
            currency: None,
            captured: None,
        }
    }

    fn with_details(self, details: &Details) -> Self {
        Self {
            payment: Some(details.payment.clone()),
            amount: Some(details.amount),
            currency: Some(details.currency),
            ..self
        }
    }
}
