//! Customers.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, Request, State};
use domain::customer::Customer;
use domain::id::CustomerId;
use domain::surface::Surface;
use store::accept::StoredResponse;
use store::merchants::Principal;
use wire::customer::{self, Changes, Details};
use wire::page::Page;
use wire::paygate::response;
use wire::query::Parameters;

use super::Handled;
use crate::App;
use crate::actions::customers;
use crate::actions::idempotency::{self, ApiResponse};
use crate::error::ApiError;
use crate::http::body;
use crate::surfaces::{Id, ok};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Handled {
    let (body, key) = idempotency::read(&app, Surface::Paygate, request).await?;
    let details = customers::new_customer(Details::read(body)?);
    Ok(customers::create(&app, principal, &details, key, render).await?)
}

fn render(customer: &Customer) -> StoredResponse {
    ok(response::Customer::of(customer).body())
}

pub async fn read(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id,
) -> Handled {
    let customer = customers::find(&app, principal, id_of(&id)?).await?;
    Ok(ApiResponse::new(render(&customer)))
}

pub async fn update(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id,
    request: Request,
) -> Handled {
    let id = id_of(&id)?;
    let (parts, body) = request.into_parts();
    let changes = Changes::read(body::read(&parts.headers, body).await?)?;
    let customer = customers::update(&app, principal, id, &customers::changed(changes)).await?;
    Ok(ApiResponse::new(render(&customer)))
}

fn id_of(text: &str) -> Result<CustomerId, ApiError> {
    customer::id(text).ok_or(ApiError::Missing("customer"))
}

pub async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RawQuery(query): RawQuery,
) -> Handled {
    let parameters = Parameters::of(&query.unwrap_or_default());
    let page = Page::read(&parameters, customer::id)?;
    let (found, has_more) = customers::list(&app, principal, &page).await?;
    let data = found.iter().map(response::Customer::of).collect();
    let list = response::List::of(&page, data, has_more);
    Ok(ApiResponse::new(ok(list.body())))
}
