//! Making, listing, reading and canceling intents.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, Request, State};
use axum::response::Response;
use domain::id::IntentId;
use domain::intent::Intent;
use domain::surface::Surface;
use store::accept::StoredResponse;
use store::merchants::Principal;
use time::OffsetDateTime;
use wire::finternet::error::Error;
use wire::finternet::request::{self, CreateIntent};
use wire::finternet::response::{Envelope, List};

use super::{Named, closed, find_own, ok, respond, text};
use crate::App;
use crate::actions::idempotency::ApiResponse;
use crate::actions::{idempotency, intents};
use crate::error::ApiError;

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Response {
    respond(try_create(&app, principal, request).await)
}

async fn try_create(
    app: &App,
    principal: Principal,
    request: Request,
) -> Result<ApiResponse, Error> {
    let (body, key) = idempotency::read(app, Surface::Finternet, request).await?;
    let intent = opened(principal, CreateIntent::read(body)?);
    let render = |intent: &Intent| StoredResponse {
        status: 201,
        body: Envelope::of(intent).body(),
    };
    Ok(intents::create(app, principal, &intent, key, render).await?)
}

fn opened(principal: Principal, asked: CreateIntent) -> Intent {
    Intent {
        id: IntentId(store::new_id()),
        merchant_id: principal.merchant_id,
        mode: principal.mode,
        money: asked.money,
        kind: asked.kind,
        settlement_method: asked.settlement_method,
        settlement_destination: asked.settlement_destination,
        description: asked.description,
        metadata: asked.metadata,
        terms: asked.terms,
        paid: None,
        canceled_at: None,
        created_at: OffsetDateTime::UNIX_EPOCH,
    }
}

pub async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    respond(
        try_list(&app, principal, &query)
            .await
            .map(ApiResponse::new),
    )
}

async fn try_list(app: &App, principal: Principal, query: &str) -> Result<StoredResponse, Error> {
    let page = request::Intents::read(query)?.page;
    if let Some(after) = page.after {
        // An id that is none of the caller's has no place in its list.
        find_own(app, principal, &after.to_string())
            .await
            .map_err(|error| match error.status {
                403 | 404 => Error::invalid("starting_after", "No such payment intent"),
                _ => error,
            })?;
    }
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let found = store::intents::list(&app.db, merchant, mode, page.after, page.rows()).await;
    let mut intents = found.map_err(ApiError::from)?;
    let has_more = page.cut(&mut intents);
    Ok(ok(List::of(&intents, has_more).body()))
}

pub async fn retrieve(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    id: Named,
) -> Response {
    let found = find_own(&app, principal, &text(id)).await;
    respond(found.map(|intent| ApiResponse::new(render(&intent))))
}

pub async fn cancel(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    id: Named,
    request: Request,
) -> Response {
    respond(try_cancel(&app, principal, &text(id), request).await)
}

async fn try_cancel(
    app: &App,
    principal: Principal,
    id: &str,
    request: Request,
) -> Result<ApiResponse, Error> {
    let id = find_own(app, principal, id).await?.id;
    let (body, key) = idempotency::read_if_any(app, Surface::Finternet, request).await?;
    request::cancel(body)?;
    match intents::cancel(app, principal, id, key, render).await {
        Err(ApiError::IntentClosed) => Err(Error::not_cancelable(closed(app, id).await?)),
        canceled => Ok(canceled?),
    }
}

fn render(intent: &Intent) -> StoredResponse {
    ok(Envelope::of(intent).body())
}
