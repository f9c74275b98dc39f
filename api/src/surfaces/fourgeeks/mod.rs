//! fourgeeks' paths: payments on a hosted page, under `/v1/payments/`.

mod customers;
mod payments;
mod refunds;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use store::accept::StoredResponse;
use wire::fourgeeks::error::Error;

use super::{Paths, answer};
use crate::actions::idempotency::ApiResponse;
use crate::error::ApiError;

pub fn paths() -> Paths {
    let known = Router::new()
        .route("/v1/payments", get(payments::list).post(payments::create))
        .route("/v1/payments/", get(payments::list).post(payments::create))
        .route("/v1/payments/internal", get(payments::list))
        .route("/v1/payments/internal/", get(payments::list))
        .route("/v1/payments/session", post(payments::create_session))
        .route("/v1/payments/session/", post(payments::create_session))
        .route("/v1/payments/{id}", get(payments::read))
        .route("/v1/payments/{id}/", get(payments::read))
        .route("/v1/refunds", get(refunds::list).post(refunds::create))
        .route("/v1/refunds/", get(refunds::list).post(refunds::create))
        .route("/v1/refunds/{id}", get(refunds::read))
        .route("/v1/refunds/{id}/", get(refunds::read))
        .route(
            "/v1/customers",
            get(customers::list).post(customers::create),
        )
        .route(
            "/v1/customers/",
            get(customers::pages).post(customers::create),
        )
        .route("/v1/customers/{id}", get(customers::read))
        .route("/v1/customers/{id}/", get(customers::read));
    let open = Router::new()
        .route("/v1/payments/public/{id}", get(payments::read_public))
        .route("/v1/payments/public/{id}/", get(payments::read_public))
        .route("/v1/payments/session/{id}", get(payments::read_session))
        .route("/v1/payments/session/{id}/", get(payments::read_session));
    Paths { known, open }
}

/// What a handler turns a request away with.
struct Refusal(Error);

impl<E> From<E> for Refusal
where
    Error: From<E>,
{
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        answer(answer_of(&self.0))
    }
}

/// What every handler ends with.
type Handled = Result<ApiResponse, Refusal>;

/// The first answer is given, a repeated request is refused with what the first one made.
fn first_only(answered: ApiResponse) -> Handled {
    if answered.is_replay {
        return Err(Error::repeated(&answered.answer.body).into());
    }
    Ok(answered)
}

fn answer_of(error: &Error) -> StoredResponse {
    StoredResponse {
        status: error.status,
        body: error.body(),
    }
}

/// Turns a request away in this contract's words.
pub fn refuse(refused: ApiError) -> StoredResponse {
    answer_of(&Error::from(refused))
}

impl From<ApiError> for Error {
    fn from(refused: ApiError) -> Self {
        match refused {
            ApiError::KeyMissing => Error::key_missing(),
            ApiError::KeyInvalid | ApiError::TokenExpired => Error::key_invalid(),
            ApiError::RateLimited {
                retry_after_seconds,
            } => Error::rate_limited(retry_after_seconds),
            ApiError::Body(why) => Error::invalid(why),
            ApiError::Field(wrong) => wrong.into(),
            ApiError::RouteUnknown => Error::route_unknown(),
            ApiError::Missing("customer") => Error::missing("Customers"),
            ApiError::Missing("refund") => Error::missing("Refunds"),
            ApiError::Missing("session") => Error::missing("Sessions"),
            ApiError::Missing(_) => Error::missing("Payments"),
            ApiError::MethodNotAllowed => Error::method_not_allowed(),
            ApiError::IdempotencyKeyMalformed => Error::key_malformed(),
            ApiError::IdempotencyKeyReused => Error::key_reused(),
            ApiError::NotRefundable => Error::not_refundable(),
            ApiError::RefundTooLarge => Error::refund_too_large(),
            ApiError::ScopeMissing => Error::scope_missing(),
            ApiError::LiveUnavailable => Error::live_unavailable(),
            ApiError::Unavailable => Error::unavailable(),
            ApiError::EmailTaken
            | ApiError::IntentClosed
            | ApiError::UrlNotAllowed(_)
            | ApiError::TooManyEndpoints
            | ApiError::Internal => Error::internal(),
        }
    }
}
