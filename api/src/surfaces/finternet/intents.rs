//! Making, listing, reading and canceling intents.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, Request, State};
use axum::response::Response;
use domain::id::IntentId;
use domain::intent::Intent;
use domain::surface::Surface;
use store::accept::Answer;
use store::merchants::Caller;
use time::OffsetDateTime;
use wire::finternet::error::Error;
use wire::finternet::request::{self, CreateIntent};
use wire::finternet::response::{Envelope, List};

use super::{Named, closed, find_own, ok, respond, text};
use crate::once::Answered;
use crate::refused::Refused;
use crate::{App, intents, once};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    respond(try_create(&app, caller, request).await)
}

async fn try_create(app: &App, caller: Caller, request: Request) -> Result<Answered, Error> {
    let (body, key) = once::read(app, Surface::Finternet, request).await?;
    let intent = opened(caller, CreateIntent::read(body)?);
    let render = |intent: &Intent| Answer {
        status: 201,
        body: Envelope::of(intent).body(),
    };
    Ok(intents::create(app, caller, &intent, key, render).await?)
}

fn opened(caller: Caller, asked: CreateIntent) -> Intent {
    Intent {
        id: IntentId(store::fresh_id()),
        merchant_id: caller.merchant_id,
        mode: caller.mode,
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
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    respond(try_list(&app, caller, &query).await.map(Answered::anew))
}

async fn try_list(app: &App, caller: Caller, query: &str) -> Result<Answer, Error> {
    let page = request::Intents::read(query)?.page;
    if let Some(after) = page.after {
        // An id that is none of the caller's has no place in its list.
        find_own(app, caller, &after.to_string())
            .await
            .map_err(|error| match error.status {
                403 | 404 => Error::invalid("starting_after", "No such payment intent"),
                _ => error,
            })?;
    }
    let (merchant, mode) = (caller.merchant_id, caller.mode);
    let found = store::intents::list(&app.db, merchant, mode, page.after, page.rows()).await;
    let mut intents = found.map_err(Refused::from)?;
    let has_more = page.cut(&mut intents);
    Ok(ok(List::of(&intents, has_more).body()))
}

pub async fn retrieve(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Named,
) -> Response {
    let found = find_own(&app, caller, &text(id)).await;
    respond(found.map(|intent| Answered::anew(render(&intent))))
}

pub async fn cancel(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Named,
    request: Request,
) -> Response {
    respond(try_cancel(&app, caller, &text(id), request).await)
}

async fn try_cancel(
    app: &App,
    caller: Caller,
    id: &str,
    request: Request,
) -> Result<Answered, Error> {
    let id = find_own(app, caller, id).await?.id;
    let (body, key) = once::read_if_any(app, Surface::Finternet, request).await?;
    request::cancel(body)?;
    match intents::cancel(app, caller, id, key, render).await {
        Err(Refused::IntentClosed) => Err(Error::not_cancelable(closed(app, id).await?)),
        canceled => Ok(canceled?),
    }
}

fn render(intent: &Intent) -> Answer {
    ok(Envelope::of(intent).body())
}
