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

use super::answer;
use crate::refused::Refused;
use crate::{App, endpoints};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/v2/webhooks", post(create_endpoint))
}

async fn create_endpoint(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    answer(match register(&app, caller, request).await {
        Ok(answer) => answer,
        Err(refused) => refuse(refused),
    })
}

async fn register(app: &App, caller: Caller, request: Request) -> Result<Answer, Refused> {
    let made =
        endpoints::register(app, caller, Surface::Finfusion, &webhook::EVENTS, request).await?;
    let public_key = made.public_key.as_deref();
    let endpoint = response::Endpoint::of(
        made.id,
        &made.asked,
        made.created_at,
        &made.secret,
        public_key,
    );
    Ok(Answer {
        status: 200,
        body: endpoint.body(),
    })
}

/// Turns a request away in this contract's words.
pub fn refuse(refused: Refused) -> Answer {
    let error = match refused {
        Refused::KeyMissing => Error::key_missing(),
        Refused::KeyInvalid => Error::key_invalid(),
        Refused::RateLimited {
            retry_after_seconds,
        } => Error::rate_limited(retry_after_seconds),
        Refused::Body(why) => Error::body_unreadable(why),
        Refused::Field(wrong) => wrong.into(),
        Refused::RouteUnknown | Refused::Missing => Error::route_unknown(),
        Refused::MethodNotAllowed => Error::method_not_allowed(),
        Refused::UrlNotAllowed(why) => Error::url_not_allowed(why),
        Refused::TooManyEndpoints => Error::too_many_endpoints(),
        Refused::Unavailable => Error::unavailable(),
        // Only a payment's creation knows these, which this surface does not have.
        Refused::IdempotencyKeyMalformed
        | Refused::IdempotencyKeyReused
        | Refused::LiveUnavailable
        | Refused::Internal => Error::internal(),
    };
    Answer {
        status: error.status,
        body: error.body(),
    }
}
