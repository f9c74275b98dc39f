//! paygate's paths: the generic payment gateway API under `/v1`.

mod customers;
mod endpoints;
mod payments;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use store::accept::Answer;
use wire::paygate::error::Error;

use super::{Paths, answer};
use crate::App;
use crate::once::Answered;
use crate::refused::Refused;

pub fn paths() -> Paths {
    Paths {
        known: known(),
        open: Router::new().route("/v1/auth/token", post(tokens::create)),
    }
}

fn known() -> Router<Arc<App>> {
    let payments = get(payments::list).post(payments::create);
    let customers = get(customers::list).post(customers::create);
    let customer = get(customers::read).patch(customers::update);
    let endpoints = get(endpoints::list).post(endpoints::create);
    let endpoint = get(endpoints::read)
        .patch(endpoints::update)
        .delete(endpoints::delete);
    Router::new()
        .route("/v1/payments", payments.clone())
        .route("/v1/payments/", payments)
        .route("/v1/payments/{id}", get(payments::read))
        .route("/v1/payments/{id}/refund", post(payments::refund))
        .route("/v1/transactions", get(payments::list))
        .route("/v1/transactions/", get(payments::list))
        .route("/v1/customers", customers.clone())
        .route("/v1/customers/", customers)
        .route("/v1/customers/{id}", customer)
        .route("/v1/webhooks", endpoints.clone())
        .route("/v1/webhooks/", endpoints)
        .route("/v1/webhooks/{id}", endpoint)
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
type Handled = Result<Answered, Refusal>;

/// Turns a request away in this contract's words.
pub fn refuse(refused: Refused) -> Answer {
    answer_of(&Error::from(refused))
}

fn answer_of(error: &Error) -> Answer {
    Answer {
        status: error.status,
        body: error.body(),
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::KeyMissing => Error::key_missing(),
            Refused::KeyInvalid => Error::key_invalid(),
            Refused::TokenExpired => Error::token_expired(),
            Refused::RateLimited {
                retry_after_seconds,
            } => Error::rate_limited(retry_after_seconds),
            Refused::Body(why) => Error::body_unreadable(why),
            Refused::Field(wrong) => wrong.into(),
            Refused::RouteUnknown => Error::route_unknown(),
            Refused::MethodNotAllowed => Error::method_not_allowed(),
            Refused::Missing(what) => Error::missing(what),
            Refused::IdempotencyKeyMalformed => Error::key_malformed(),
            Refused::IdempotencyKeyReused => Error::key_reused(),
            Refused::UrlNotAllowed(why) => Error::url_not_allowed(why),
            Refused::TooManyEndpoints => Error::too_many_endpoints(),
            Refused::ScopeMissing => Error::scope_missing(),
            Refused::LiveUnavailable => Error::live_unavailable(),
            Refused::Unavailable => Error::unavailable(),
            Refused::NotRefundable => Error::not_refundable(),
            Refused::RefundTooLarge => Error::refund_too_large(),
            Refused::EmailTaken => Error::address_taken(),
            Refused::IntentClosed | Refused::Internal => Error::internal(),
        }
    }
}
