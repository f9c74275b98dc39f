//! Customers.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, Request, State};
use domain::customer::Customer;
use domain::surface::Surface;
use store::accept::StoredResponse;
use store::merchants::Principal;
use wire::fourgeeks::customer_id;
use wire::fourgeeks::request::{CreateCustomer, CustomerPages};
use wire::fourgeeks::response::{self, CustomerPage, CustomerRow, Customers};
use wire::page::Page;
use wire::query::Parameters;

use super::{Handled, first_only};
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
    let (body, key) = idempotency::read(&app, Surface::Fourgeeks, request).await?;
    let CreateCustomer(details) = CreateCustomer::read(body)?;
    let details = customers::new_customer(details);
    first_only(customers::create(&app, principal, &details, key, render).await?)
}

fn render(customer: &Customer) -> StoredResponse {
    ok(response::Customer::of(customer).body())
}

pub async fn read(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id,
) -> Handled {
    let id = customer_id(&id).ok_or(ApiError::Missing("customer"))?;
    let customer = customers::find(&app, principal, id).await?;
    Ok(ApiResponse::new(render(&customer)))
}

/// Without a slash at the path's end: a part of the list by limit and offset.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RawQuery(query): RawQuery,
) -> Handled {
    let page = Page::read(&Parameters::of(&query.unwrap_or_default()), customer_id)?;
    let (found, _) = customers::list(&app, principal, &page).await?;
    let customers = Customers {
        items: found.iter().map(response::Customer::of).collect(),
        total_items: count(&app, principal).await?,
        limit: page.limit,
        offset: page.offset,
    };
    Ok(ApiResponse::new(ok(customers.body())))
}

/// With a slash: a numbered page.
pub async fn pages(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RawQuery(query): RawQuery,
) -> Handled {
    let pages = CustomerPages::read(&query.unwrap_or_default())?;
    let (found, _) = customers::list(&app, principal, &pages.page()).await?;
    let count = count(&app, principal).await?;
    let address = format!("{}/v1/customers/", app.public_url);
    let page = CustomerPage {
        count,
        next: pages.next(&address, count),
        previous: pages.previous(&address),
        results: found.iter().map(CustomerRow::of).collect(),
    };
    Ok(ApiResponse::new(ok(page.body())))
}

async fn count(app: &App, principal: Principal) -> Result<u64, ApiError> {
    Ok(store::customers::count(&app.db, principal.merchant_id, principal.mode).await?)
}
