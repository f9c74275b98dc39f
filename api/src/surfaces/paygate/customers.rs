//! Customers.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, Request, State};
use domain::customer::Customer;
use domain::id::CustomerId;
use domain::surface::Surface;
use store::accept::Answer;
use store::merchants::Caller;
use wire::customer::{self, Changes, Details};
use wire::page::Page;
use wire::paygate::response;
use wire::query::Parameters;

use super::Handled;
use crate::once::{self, Answered};
use crate::refused::Refused;
use crate::surfaces::{Id, ok};
use crate::{App, body, customers};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Handled {
    let (body, key) = once::read(&app, Surface::Paygate, request).await?;
    let said = customers::said(Details::read(body)?);
    Ok(customers::create(&app, caller, &said, key, render).await?)
}

fn render(customer: &Customer) -> Answer {
    ok(response::Customer::of(customer).body())
}

pub async fn read(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Handled {
    let customer = customers::find(&app, caller, id_of(&id)?).await?;
    Ok(Answered::anew(render(&customer)))
}

pub async fn update(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Request,
) -> Handled {
    let id = id_of(&id)?;
    let (parts, body) = request.into_parts();
    let changes = Changes::read(body::read(&parts.headers, body).await?)?;
    let customer = customers::update(&app, caller, id, &customers::changed(changes)).await?;
    Ok(Answered::anew(render(&customer)))
}

fn id_of(text: &str) -> Result<CustomerId, Refused> {
    customer::id(text).ok_or(Refused::Missing("customer"))
}

pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Handled {
    let parameters = Parameters::of(&query.unwrap_or_default());
    let page = Page::read(&parameters, customer::id)?;
    let (found, has_more) = customers::list(&app, caller, &page).await?;
    let data = found.iter().map(response::Customer::of).collect();
    let list = response::List::of(&page, data, has_more);
    Ok(Answered::anew(ok(list.body())))
}
