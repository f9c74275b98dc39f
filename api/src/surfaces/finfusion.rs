//! finfusion's paths, under `/v2`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::response::Response;
use axum::routing::post;
use domain::surface::Surface;
use store::accept::Answer;
use store::merchants::Caller;
use wire::finfusion::error::Error;
use wire::finfusion::{response, webhook};
use wire::subscription::Subscription;

use super::{Paths, answer, answer_once};
use crate::once::Answered;
use crate::refused::Refused;
use crate::{App, endpoints, once};

pub fn paths() -> Paths {
    Paths {
        known: Router::new().route("/v2/webhooks", post(create_endpoint)),
        open: Router::new(),
    }
}

async fn create_endpoint(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    match register(&app, caller, request).await {
        Ok(answered) => answer_once(answered),
        Err(refused) => answer(refuse(refused)),
    }
}

async fn register(app: &App, caller: Caller, request: Request) -> Result<Answered, Refused> {
    let (body, key) = once::read(app, Surface::Finfusion, request).await?;
    let asked = Subscription::read(body, &webhook::EVENTS)?;
    let made = endpoints::register(app, caller, Surface::Finfusion, asked, key).await?;
    let endpoint = response::Endpoint::of(&made.endpoint, Some(&made.secret));
    Ok(Answered {
        answer: Answer {
            status: 200,
            body: endpoint.body(),
        },
        is_replay: made.is_replay,
    })
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
            Refused::KeyInvalid => Error::key_invalid(),
            Refused::TokenExpired => Error::token_expired(),
            Refused::RateLimited {
                retry_after_seconds,
            } => Error::rate_limited(retry_after_seconds),
            Refused::Body(why) => Error::body_unreadable(why),
            Refused::Field(wrong) => wrong.into(),
            Refused::RouteUnknown => Error::route_unknown(),
            Refused::Missing(what) => Error::missing(what),
            Refused::MethodNotAllowed => Error::method_not_allowed(),
            Refused::IdempotencyKeyMalformed => Error::key_malformed(),
            Refused::IdempotencyKeyReused => Error::key_reused(),
            Refused::UrlNotAllowed(why) => Error::url_not_allowed(why),
            Refused::TooManyEndpoints => Error::too_many_endpoints(),
            Refused::NotRefundable => Error::not_refundable(),
            Refused::RefundTooLarge => Error::refund_too_large(),
            Refused::LiveUnavailable => Error::live_unavailable(),
            Refused::Unavailable => Error::unavailable(),
            Refused::EmailTaken | Refused::IntentClosed | Refused::Internal => Error::internal(),
        }
    }
}
