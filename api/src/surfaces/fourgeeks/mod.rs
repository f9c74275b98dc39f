//! fourgeeks' paths: payments on a hosted page, under `/v1/payments/`.

use axum::Router;
use store::accept::Answer;
use wire::fourgeeks::error::Error;

use super::Paths;
use crate::refused::Refused;

pub fn paths() -> Paths {
    Paths {
        known: Router::new(),
        open: Router::new(),
    }
}

/// Turns a request away in this contract's words.
pub fn refuse(refused: Refused) -> Answer {
    let error = Error::from(refused);
    Answer {
        status: error.status,
        body: error.body(),
    }
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
            Refused::Missing(_) => Error::missing("Payments"),
            Refused::MethodNotAllowed => Error::method_not_allowed(),
            Refused::IdempotencyKeyMalformed => Error::key_malformed(),
            Refused::IdempotencyKeyReused => Error::key_reused(),
            Refused::NotRefundable => Error::not_refundable(),
            Refused::RefundTooLarge => Error::refund_too_large(),
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
