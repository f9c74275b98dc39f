//! Webhook endpoints that are told of intents.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use domain::id::EndpointId;
use domain::surface::Surface;
use store::accept::Answer;
use store::merchants::Caller;
use wire::finternet::error::Error;
use wire::finternet::response::{DeletedEndpoint, Envelope, List};
use wire::finternet::webhook::EVENTS;
use wire::subscription::{Changes, Endpoint, Subscription};

use super::{Named, named, ok, respond, text};
use crate::once::{self, Answered};
use crate::refused::Refused;
use crate::{App, endpoints};

const SURFACE: Surface = Surface::Finternet;

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    respond(try_create(&app, caller, request).await)
}

async fn try_create(app: &App, caller: Caller, request: Request) -> Result<Answered, Error> {
    let (body, key) = once::read(app, SURFACE, request).await?;
    let asked = Subscription::read(body, &EVENTS)?;
    let render = |endpoint: &Endpoint, secret: &str| Answer {
        status: 201,
        body: Envelope::endpoint(endpoint, Some(secret)).body(),
    };
    Ok(endpoints::register(app, caller, SURFACE, asked, key, render).await?)
}

pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Response {
    let found = endpoints::list(&app, caller, SURFACE).await;
    let answered = found.map(|endpoints| Answered::anew(ok(List::whole(&endpoints).body())));
    respond(answered.map_err(Error::from))
}

pub async fn retrieve(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Named,
) -> Response {
    let id = text(id);
    let found = match parse(&id) {
        Ok(id) => endpoints::find(&app, caller, SURFACE, id).await,
        Err(refused) => Err(refused),
    };
    respond(shown(found, &id))
}

pub async fn update(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Named,
    request: Request,
) -> Response {
    let id = text(id);
    let changed = try_update(&app, caller, &id, request).await;
    respond(shown(changed, &id))
}

async fn try_update(
    app: &App,
    caller: Caller,
    id: &str,
    request: Request,
) -> Result<Endpoint, Refused> {
    let id = parse(id)?;
    let (body, _) = once::read(app, SURFACE, request).await?;
    let changes = Changes::read(body, &EVENTS)?;
    endpoints::update(app, caller, SURFACE, id, changes).await
}

pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Named,
) -> Response {
    let id = text(id);
    let deleted = try_delete(&app, caller, &id).await;
    respond(deleted.map_err(|refused| named(refused, Error::endpoint_missing(&id))))
}

async fn try_delete(app: &App, caller: Caller, id: &str) -> Result<Answered, Refused> {
    let id = parse(id)?;
    endpoints::delete(app, caller, SURFACE, id).await?;
    Ok(Answered::anew(ok(DeletedEndpoint::of(id).body())))
}

fn parse(id: &str) -> Result<EndpointId, Refused> {
    EndpointId::parse(id).ok_or(Refused::Missing("webhook endpoint"))
}

fn shown(found: Result<Endpoint, Refused>, id: &str) -> Result<Answered, Error> {
    let endpoint = found.map_err(|refused| named(refused, Error::endpoint_missing(id)))?;
    let body = Envelope::endpoint(&endpoint, None).body();
    Ok(Answered::anew(ok(body)))
}
