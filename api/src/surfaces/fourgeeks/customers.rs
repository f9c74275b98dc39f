//! Customers.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, Request, State};
use axum::response::Response;
use domain::customer::Customer;
use domain::surface::Surface;
use store::accept::Answer;
use store::customers::Said;
use store::merchants::Caller;
use wire::fourgeeks::customer_id;
use wire::fourgeeks::error::Error;
use wire::fourgeeks::request::{CreateCustomer, CustomerPages};
use wire::fourgeeks::response::{self, CustomerPage, CustomerRow, Customers};
use wire::page::Page;
use wire::query::Parameters;

use super::{Id, answer_of, first_only, ok, refuse, text};
use crate::refused::Refused;
use crate::surfaces::answer;
use crate::{App, customers, once};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let made = try_create(&app, caller, request).await;
    answer(made.unwrap_or_else(|error| answer_of(&error)))
}

async fn try_create(app: &App, caller: Caller, request: Request) -> Result<Answer, Error> {
    let (body, key) = once::read(app, Surface::Fourgeeks, request).await?;
    let CreateCustomer(details) = CreateCustomer::read(body)?;
    let said = Said {
        email: details.email,
        name: details.name,
        phone: details.phone,
        description: details.description,
        metadata: details.metadata,
    };
    first_only(customers::create(app, caller, &said, key, render).await?)
}

fn render(customer: &Customer) -> Answer {
    ok(response::Customer::of(customer).body())
}

pub async fn read(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Id,
) -> Response {
    answer(match find(&app, caller, &text(id)).await {
        Ok(customer) => render(&customer),
        Err(refused) => refuse(refused),
    })
}

async fn find(app: &App, caller: Caller, id: &str) -> Result<Customer, Refused> {
    let id = customer_id(id).ok_or(Refused::Missing("customer"))?;
    customers::find(app, caller, id).await
}

/// Without a slash at the path's end: a part of the list by limit and offset.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Response {
    let listed = try_list(&app, caller, &query.unwrap_or_default()).await;
    answer(listed.map_or_else(refuse, ok))
}

async fn try_list(app: &App, caller: Caller, query: &str) -> Result<String, Refused> {
    let page = Page::read(&Parameters::of(query), customer_id)?;
    let (limit, offset) = (i64::from(page.limit), i64::from(page.offset));
    let (merchant, mode) = (caller.merchant_id, caller.mode);
    let found = store::customers::list(&app.db, merchant, mode, page.after, offset, limit).await?;
    let customers = Customers {
        items: found.iter().map(response::Customer::of).collect(),
        total_items: store::customers::count(&app.db, merchant, mode).await?,
        limit: page.limit,
        offset: page.offset,
    };
    Ok(customers.body())
}

/// With a slash: a numbered page.
pub async fn pages(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Response {
    let listed = try_pages(&app, caller, &query.unwrap_or_default()).await;
    answer(listed.map_or_else(refuse, ok))
}

async fn try_pages(app: &App, caller: Caller, query: &str) -> Result<String, Refused> {
    let pages = CustomerPages::read(query)?;
    let (limit, offset) = (i64::from(pages.limit()), i64::from(pages.offset()));
    let (merchant, mode) = (caller.merchant_id, caller.mode);
    let found = store::customers::list(&app.db, merchant, mode, None, offset, limit).await?;
    let count = store::customers::count(&app.db, merchant, mode).await?;
    let address = format!("{}/v1/customers/", app.public_url);
    let page = CustomerPage {
        count,
        next: pages.next(&address, count),
        previous: pages.previous(&address),
        results: found.iter().map(CustomerRow::of).collect(),
    };
    Ok(page.body())
}
