//! Customers.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use domain::customer::Customer;
use domain::surface::Surface;
use store::accept::StoredResponse;
use store::merchants::Principal;
use wire::customer;
use wire::finfusion::{request, response};

use super::Handled;
use crate::App;
use crate::actions::customers;
use crate::actions::idempotency::{self, ApiResponse};
use crate::error::ApiError;
use crate::surfaces::{Id, ok};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Handled {
    let (body, key) = idempotency::read(&app, Surface::Finfusion, request).await?;
    let details = customers::new_customer(request::customer(body)?);
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
    let id = customer::id(&id).ok_or(ApiError::Missing("customer"))?;
    let customer = customers::find(&app, principal, id).await?;
    Ok(ApiResponse::new(render(&customer)))
}
