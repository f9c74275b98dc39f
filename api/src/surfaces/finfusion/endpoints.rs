//! Webhook endpoints, told in finfusion's words.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use domain::id::EndpointId;
use domain::surface::Surface;
use store::merchants::Caller;
use wire::finfusion::{response, webhook};
use wire::subscription::{Changes, Endpoint, Subscription};

use super::Handled;
use crate::once::{self, Answered};
use crate::refused::Refused;
use crate::surfaces::{Id, ok};
use crate::{App, body, endpoints};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Handled {
    let (body, key) = once::read(&app, Surface::Finfusion, request).await?;
    let asked = Subscription::read(body, &webhook::EVENTS)?;
    let render = |endpoint: &Endpoint, secret: &str| {
        ok(response::Endpoint::of(endpoint, Some(secret)).body())
    };
    let surface = Surface::Finfusion;
    Ok(endpoints::register(&app, caller, surface, asked, key, render).await?)
}

pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Handled {
    let found = endpoints::list(&app, caller, Surface::Finfusion).await?;
    let data = found.iter().map(|one| response::Endpoint::of(one, None));
    let list = response::List::of(data.collect(), false);
    Ok(Answered::anew(ok(list.body())))
}

pub async fn read(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Handled {
    let endpoint = endpoints::find(&app, caller, Surface::Finfusion, id_of(&id)?).await?;
    let endpoint = response::Endpoint::of(&endpoint, None);
    Ok(Answered::anew(ok(endpoint.body())))
}

fn id_of(text: &str) -> Result<EndpointId, Refused> {
    EndpointId::parse(text).ok_or(Refused::Missing("webhook endpoint"))
}

pub async fn update(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Request,
) -> Handled {
    let id = id_of(&id)?;
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body).await?;
    let changes = Changes::read(body, &webhook::EVENTS)?;
    let endpoint = endpoints::update(&app, caller, Surface::Finfusion, id, changes).await?;
    let endpoint = response::Endpoint::of(&endpoint, None);
    Ok(Answered::anew(ok(endpoint.body())))
}

pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Handled {
    let id = id_of(&id)?;
    endpoints::delete(&app, caller, Surface::Finfusion, id).await?;
    let deleted = response::DeletedEndpoint::of(id);
    Ok(Answered::anew(ok(deleted.body())))
}
