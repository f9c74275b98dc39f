//! fourgeeks' paths: payments on a hosted page, under `/v1/payments/`.

mod customers;
mod payments;
mod refunds;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use store::accept::Answer;
use wire::fourgeeks::error::Error;

use super::{Paths, answer};
use crate::once::Answered;
use crate::refused::Refused;

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
type Handled = Result<Answered, Refusal>;

/// The first answer is given, a repeated request is refused with what the first one made.
fn first_only(answered: Answered) -> Handled {
    if answered.is_replay {
        return Err(Error::repeated(&answered.answer.body).into());
    }
    Ok(answered)
}

fn answer_of(error: &Error) -> Answer {
    Answer {
        status: error.status,
        body: error.body(),
    }
}

/// Turns a request away in this contract's words.
pub fn refuse(refused: Refused) -> Answer {
    answer_of(&Error::from(refused))
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::KeyMissing => Error::key_missing(),
            Refused::KeyInvalid | Refused::TokenExpired => Error::key_invalid(),
            Refused::RateLimited {
                retry_after_seconds,
            } => Error::rate_limited(retry_after_seconds),
            Refused::Body(why) => Error::invalid(why),
            Refused::Field(wrong) => wrong.into(),
            Refused::RouteUnknown => Error::route_unknown(),
            Refused::Missing("customer") => Error::missing("Customers"),
            Refused::Missing("refund") => Error::missing("Refunds"),
            Refused::Missing("session") => Error::missing("Sessions"),
            Refused::Missing(_) => Error::missing("Payments"),
            Refused::MethodNotAllowed => Error::method_not_allowed(),
            Refused::IdempotencyKeyMalformed => Error::key_malformed(),
            Refused::IdempotencyKeyReused => Error::key_reused(),
            Refused::NotRefundable => Error::not_refundable(),
            Refused::RefundTooLarge => Error::refund_too_large(),
            Refused::ScopeMissing => Error::scope_missing(),
            Refused::LiveUnavailable => Error::live_unavailable(),
            Refused::Unavailable => Error::unavailable(),
            Refused::EmailTaken
            | Refused::IntentClosed
            | Refused::UrlNotAllowed(_)
            | Refused::TooManyEndpoints
            | Refused::Internal => Error::internal(),
        }
    }
}
