//! finfusion's paths, under `/v2`, and its OAuth token route.

mod customers;
mod endpoints;
mod payments;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use store::accept::StoredResponse;
use wire::finfusion::error::Error;

use super::{Paths, answer};
use crate::App;
use crate::actions::idempotency::ApiResponse;
use crate::error::ApiError;

pub fn paths() -> Paths {
    Paths {
        known: known(),
        open: Router::new().route("/oauth/token", post(tokens::create)),
    }
}

fn known() -> Router<Arc<App>> {
    let payments = get(payments::list).post(payments::create);
    let endpoints = get(endpoints::list).post(endpoints::create);
    let endpoint = get(endpoints::read)
        .patch(endpoints::update)
        .delete(endpoints::delete);
    Router::new()
        .route("/v2/payments", payments)
        .route("/v2/payments/{id}", get(payments::read))
        .route("/v2/payments/{id}/refund", post(payments::refund))
        .route("/v2/customers", post(customers::create))
        .route("/v2/customers/{id}", get(customers::read))
        .route("/v2/webhooks", endpoints)
        .route("/v2/webhooks/{id}", endpoint)
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

/// Turns a request away in this contract's words.
pub fn refuse(refused: ApiError) -> StoredResponse {
    answer_of(&Error::from(refused))
}

fn answer_of(error: &Error) -> StoredResponse {
    StoredResponse {
        status: error.status,
        body: error.body(),
    }
}

impl From<ApiError> for Error {
    fn from(refused: ApiError) -> Self {
        match refused {
            ApiError::KeyMissing => Error::key_missing(),
            ApiError::KeyInvalid => Error::key_invalid(),
            ApiError::TokenExpired => Error::token_expired(),
            ApiError::RateLimited {
                retry_after_seconds,
            } => Error::rate_limited(retry_after_seconds),
            ApiError::Body(why) => Error::body_unreadable(why),
            ApiError::Field(wrong) => wrong.into(),
            ApiError::RouteUnknown => Error::route_unknown(),
            ApiError::Missing(what) => Error::missing(what),
            ApiError::MethodNotAllowed => Error::method_not_allowed(),
            ApiError::IdempotencyKeyMalformed => Error::key_malformed(),
            ApiError::IdempotencyKeyReused => Error::key_reused(),
            ApiError::UrlNotAllowed(why) => Error::url_not_allowed(why),
            ApiError::TooManyEndpoints => Error::too_many_endpoints(),
            ApiError::NotRefundable => Error::not_refundable(),
            ApiError::RefundTooLarge => Error::refund_too_large(),
            ApiError::ScopeMissing => Error::scope_missing(),
            ApiError::LiveUnavailable => Error::live_unavailable(),
            ApiError::Unavailable => Error::unavailable(),
            ApiError::EmailTaken | ApiError::IntentClosed | ApiError::Internal => Error::internal(),
        }
    }
}
