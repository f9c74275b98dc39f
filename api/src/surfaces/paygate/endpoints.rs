//! Webhook endpoints, told in paygate's words.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use domain::id::EndpointId;
use domain::surface::Surface;
use store::merchants::Principal;
use wire::paygate::{response, webhook};
use wire::subscription::{Changes, Endpoint, Subscription};

use super::Handled;
use crate::App;
use crate::actions::idempotency::{self, ApiResponse};
use crate::actions::webhook_endpoints as endpoints;
use crate::error::ApiError;
use crate::http::body;
use crate::surfaces::{Id, ok};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Handled {
    let (body, key) = idempotency::read(&app, Surface::Paygate, request).await?;
    let asked = Subscription::read(body, &webhook::EVENTS)?;
    let render = |endpoint: &Endpoint, secret: &str| {
        ok(response::Endpoint::of(endpoint, Some(secret)).body())
    };
    let surface = Surface::Paygate;
    Ok(endpoints::register(&app, principal, surface, asked, key, render).await?)
}

pub async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
) -> Handled {
    let found = endpoints::list(&app, principal, Surface::Paygate).await?;
    let data = found.iter().map(|one| response::Endpoint::of(one, None));
    let list = response::List::whole(data.collect());
    Ok(ApiResponse::new(ok(list.body())))
}

pub async fn read(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id,
) -> Handled {
    let endpoint = endpoints::find(&app, principal, Surface::Paygate, id_of(&id)?).await?;
    let endpoint = response::Endpoint::of(&endpoint, None);
    Ok(ApiResponse::new(ok(endpoint.body())))
}

fn id_of(text: &str) -> Result<EndpointId, ApiError> {
    EndpointId::parse(text).ok_or(ApiError::Missing("webhook endpoint"))
}

pub async fn update(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id,
    request: Request,
) -> Handled {
    let id = id_of(&id)?;
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body).await?;
    let changes = Changes::read(body, &webhook::EVENTS)?;
    let endpoint = endpoints::update(&app, principal, Surface::Paygate, id, changes).await?;
    let endpoint = response::Endpoint::of(&endpoint, None);
    Ok(ApiResponse::new(ok(endpoint.body())))
}

pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id,
) -> Handled {
    let id = id_of(&id)?;
    endpoints::delete(&app, principal, Surface::Paygate, id).await?;
    let deleted = response::DeletedEndpoint::of(id);
    Ok(ApiResponse::new(ok(deleted.body())))
}
