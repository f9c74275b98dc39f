//! Webhook endpoints that are told of intents.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use domain::id::EndpointId;
use domain::surface::Surface;
use store::accept::StoredResponse;
use store::merchants::Principal;
use wire::finternet::error::Error;
use wire::finternet::response::{DeletedEndpoint, Envelope, List};
use wire::finternet::webhook::EVENTS;
use wire::subscription::{Changes, Endpoint, Subscription};

use super::{Named, named, ok, respond, text};
use crate::App;
use crate::actions::idempotency::{self, ApiResponse};
use crate::actions::webhook_endpoints as endpoints;
use crate::error::ApiError;

const SURFACE: Surface = Surface::Finternet;

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
    let (body, key) = idempotency::read(app, SURFACE, request).await?;
    let asked = Subscription::read(body, &EVENTS)?;
    let render = |endpoint: &Endpoint, secret: &str| StoredResponse {
        status: 201,
        body: Envelope::endpoint(endpoint, Some(secret)).body(),
    };
    Ok(endpoints::register(app, principal, SURFACE, asked, key, render).await?)
}

pub async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
) -> Response {
    let found = endpoints::list(&app, principal, SURFACE).await;
    let answered = found.map(|endpoints| ApiResponse::new(ok(List::whole(&endpoints).body())));
    respond(answered.map_err(Error::from))
}

pub async fn retrieve(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    id: Named,
) -> Response {
    let id = text(id);
    let found = match parse(&id) {
        Ok(id) => endpoints::find(&app, principal, SURFACE, id).await,
        Err(refused) => Err(refused),
    };
    respond(shown(found, &id))
}

pub async fn update(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    id: Named,
    request: Request,
) -> Response {
    let id = text(id);
    let changed = try_update(&app, principal, &id, request).await;
    respond(shown(changed, &id))
}

async fn try_update(
    app: &App,
    principal: Principal,
    id: &str,
    request: Request,
) -> Result<Endpoint, ApiError> {
    let id = parse(id)?;
    let (body, _) = idempotency::read(app, SURFACE, request).await?;
    let changes = Changes::read(body, &EVENTS)?;
    endpoints::update(app, principal, SURFACE, id, changes).await
}

pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    id: Named,
) -> Response {
    let id = text(id);
    let deleted = try_delete(&app, principal, &id).await;
    respond(deleted.map_err(|refused| named(refused, Error::endpoint_missing(&id))))
}

async fn try_delete(app: &App, principal: Principal, id: &str) -> Result<ApiResponse, ApiError> {
    let id = parse(id)?;
    endpoints::delete(app, principal, SURFACE, id).await?;
    Ok(ApiResponse::new(ok(DeletedEndpoint::of(id).body())))
}

fn parse(id: &str) -> Result<EndpointId, ApiError> {
    EndpointId::parse(id).ok_or(ApiError::Missing("webhook endpoint"))
}

fn shown(found: Result<Endpoint, ApiError>, id: &str) -> Result<ApiResponse, Error> {
    let endpoint = found.map_err(|refused| named(refused, Error::endpoint_missing(id)))?;
    let body = Envelope::endpoint(&endpoint, None).body();
    Ok(ApiResponse::new(ok(body)))
}
