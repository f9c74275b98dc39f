//! Customers.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, Request, State};
use domain::customer::Customer;
use domain::surface::Surface;
use store::accept::Answer;
use store::merchants::Caller;
use wire::fourgeeks::customer_id;
use wire::fourgeeks::request::{CreateCustomer, CustomerPages};
use wire::fourgeeks::response::{self, CustomerPage, CustomerRow, Customers};
use wire::page::Page;
use wire::query::Parameters;

use super::{Handled, first_only};
use crate::once::{self, Answered};
use crate::refused::Refused;
use crate::surfaces::{Id, ok};
use crate::{App, customers};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Handled {
    let (body, key) = once::read(&app, Surface::Fourgeeks, request).await?;
    let CreateCustomer(details) = CreateCustomer::read(body)?;
    let said = customers::said(details);
    first_only(customers::create(&app, caller, &said, key, render).await?)
}

fn render(customer: &Customer) -> Answer {
    ok(response::Customer::of(customer).body())
}

pub async fn read(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Handled {
    let id = customer_id(&id).ok_or(Refused::Missing("customer"))?;
    let customer = customers::find(&app, caller, id).await?;
    Ok(Answered::anew(render(&customer)))
}

/// Without a slash at the path's end: a part of the list by limit and offset.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Handled {
    let page = Page::read(&Parameters::of(&query.unwrap_or_default()), customer_id)?;
    let (found, _) = customers::list(&app, caller, &page).await?;
    let customers = Customers {
        items: found.iter().map(response::Customer::of).collect(),
        total_items: count(&app, caller).await?,
        limit: page.limit,
        offset: page.offset,
    };
    Ok(Answered::anew(ok(customers.body())))
}

/// With a slash: a numbered page.
pub async fn pages(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Handled {
    let pages = CustomerPages::read(&query.unwrap_or_default())?;
    let (found, _) = customers::list(&app, caller, &pages.page()).await?;
    let count = count(&app, caller).await?;
    let address = format!("{}/v1/customers/", app.public_url);
    let page = CustomerPage {
        count,
        next: pages.next(&address, count),
        previous: pages.previous(&address),
        results: found.iter().map(CustomerRow::of).collect(),
    };
    Ok(Answered::anew(ok(page.body())))
}

async fn count(app: &App, caller: Caller) -> Result<u64, Refused> {
    Ok(store::customers::count(&app.db, caller.merchant_id, caller.mode).await?)
}
