//! Customers.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use domain::customer::Customer;
use domain::surface::Surface;
use store::accept::Answer;
use store::merchants::Caller;
use wire::customer;
use wire::finfusion::{request, response};

use super::Handled;
use crate::once::{self, Answered};
use crate::refused::Refused;
use crate::surfaces::{Id, ok};
use crate::{App, customers};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Handled {
    let (body, key) = once::read(&app, Surface::Finfusion, request).await?;
    let said = customers::said(request::customer(body)?);
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
    let id = customer::id(&id).ok_or(Refused::Missing("customer"))?;
    let customer = customers::find(&app, caller, id).await?;
    Ok(Answered::anew(render(&customer)))
}
