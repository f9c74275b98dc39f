//! finternet's paths: payment intents under `/v1/payment-intents`.

use axum::Router;
use store::accept::Answer;
use wire::finternet::error::Error;

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
            Refused::Body(why) => Error::body_unreadable(why),
            Refused::Field(wrong) => wrong.into(),
            Refused::RouteUnknown | Refused::Missing(_) => Error::route_unknown(),
            Refused::MethodNotAllowed => Error::method_not_allowed(),
            Refused::IdempotencyKeyMalformed => Error::key_malformed(),
            Refused::IdempotencyKeyReused => Error::key_reused(),
            Refused::UrlNotAllowed(why) => Error::url_not_allowed(why),
            Refused::TooManyEndpoints => Error::too_many_endpoints(),
            Refused::LiveUnavailable => Error::live_unavailable(),
            Refused::Unavailable => Error::unavailable(),
            Refused::NotRefundable
            | Refused::RefundTooLarge
            | Refused::EmailTaken
            | Refused::IntentClosed
            | Refused::Internal => Error::internal(),
        }
    }
}
