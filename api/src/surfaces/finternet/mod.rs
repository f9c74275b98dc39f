//! finternet's paths: payment intents under `/v1/payment-intents`, and webhook endpoints where the
//! key comes as `X-API-Key`.

mod account;
mod endpoints;
mod intents;
mod on_chain;
mod public;

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Response;
use axum::routing::{get, post};
use domain::id::IntentId;
use domain::intent::{Intent, State};
use store::accept::StoredResponse;
use store::merchants::Principal;
use wire::finternet::error::Error;

use super::{Paths, answer, answer_once};
use crate::App;
use crate::actions::idempotency::ApiResponse;
use crate::error::ApiError;

pub fn paths() -> Paths {
    let known = Router::new()
        .route(
            "/v1/payment-intents",
            post(intents::create).get(intents::list),
        )
        .route(
            "/v1/payment-intents/",
            post(intents::create).get(intents::list),
        )
        .route("/v1/payment-intents/account/balance", get(account::balance))
        .route(
            "/v1/payment-intents/account/ledger-entries",
            get(account::ledger_entries),
        )
        .route("/v1/payment-intents/{id}", get(intents::retrieve))
        .route("/v1/payment-intents/{id}/", get(intents::retrieve))
        .route("/v1/payment-intents/{id}/cancel", post(intents::cancel))
        .merge(on_chain::paths())
        .route("/v1/webhooks", post(endpoints::create).get(endpoints::list))
        .route(
            "/v1/webhooks/",
            post(endpoints::create).get(endpoints::list),
        )
        .route(
            "/v1/webhooks/{id}",
            get(endpoints::retrieve)
                .put(endpoints::update)
                .patch(endpoints::update)
                .delete(endpoints::delete),
        );
    Paths {
        known,
        open: public::paths(),
    }
}

/// A path's parameter. What is no text names nothing either; axum's own answer to it is not ours.
type Named = Result<Path<String>, PathRejection>;

fn text(named: Named) -> String {
    named.map(|Path(text)| text).unwrap_or_default()
}

/// An intent, whosever it is, by its id as the client wrote it.
async fn find(app: &App, id: &str) -> Result<Intent, Error> {
    let missing = || Error::intent_missing(id);
    let parsed = IntentId::parse(id).ok_or_else(missing)?;
    let found = crate::actions::intents::find(app, parsed).await;
    found.map_err(|refused| named(refused, missing()))
}

/// An intent of the caller's. A stranger's is known to be there; of the caller's own, a key sees
/// only what keys of its kind made.
async fn find_own(app: &App, principal: Principal, id: &str) -> Result<Intent, Error> {
    let intent = find(app, id).await?;
    if intent.merchant_id != principal.merchant_id {
        return Err(Error::forbidden());
    }
    if intent.mode != principal.mode {
        return Err(Error::intent_missing(id));
    }
    Ok(intent)
}

/// Where an intent stands that was not open a moment ago. If it is open again, a payment of it
/// failed since.
async fn closed(app: &App, id: IntentId) -> Result<State, Error> {
    let state = crate::actions::intents::find(app, id).await?.state();
    Ok(if state.is_open() {
        State::Processing
    } else {
        state
    })
}

/// What was not found gets its name.
fn named(refused: ApiError, missing: Error) -> Error {
    match refused {
        ApiError::Missing(_) => missing,
        refused => refused.into(),
    }
}

fn respond(result: Result<ApiResponse, Error>) -> Response {
    match result {
        Ok(answered) => answer_once(answered),
        Err(error) => answer(answer_of(&error)),
    }
}

const fn ok(body: String) -> StoredResponse {
    StoredResponse { status: 200, body }
}

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
            ApiError::KeyInvalid | ApiError::TokenExpired => Error::key_invalid(),
            ApiError::RateLimited {
                retry_after_seconds,
            } => Error::rate_limited(retry_after_seconds),
            ApiError::Body(why) => Error::body_unreadable(why),
            ApiError::Field(wrong) => wrong.into(),
            ApiError::RouteUnknown | ApiError::Missing(_) => Error::route_unknown(),
            ApiError::MethodNotAllowed => Error::method_not_allowed(),
            ApiError::IdempotencyKeyMalformed => Error::key_malformed(),
            ApiError::IdempotencyKeyReused => Error::key_reused(),
            ApiError::UrlNotAllowed(why) => Error::url_not_allowed(why),
            ApiError::TooManyEndpoints => Error::too_many_endpoints(),
            ApiError::ScopeMissing => Error::scope_missing(),
            ApiError::LiveUnavailable => Error::live_unavailable(),
            ApiError::Unavailable => Error::unavailable(),
            // The paths that know these answer them by themselves.
            ApiError::NotRefundable
            | ApiError::RefundTooLarge
            | ApiError::EmailTaken
            | ApiError::IntentClosed
            | ApiError::Internal => Error::internal(),
        }
    }
}
