//! Customers.

use domain::customer::Customer;
use store::merchants::Principal;
use store::page::Size;
use wire::Body;
use wire::customer::Details;
use wire::fourgeeks::customer_id;
use wire::fourgeeks::request::{CustomerBody, CustomerPages, CustomerPagesParameters};
use wire::fourgeeks::response::{self, CustomerPage, CustomerRow, Customers};
use wire::limits;
use wire::page::{Page, PageParameters};
use wire::paygate::error as paygate;
use wire::query::Parameters;

use super::first_only;
use crate::App;
use crate::actions::customers;
use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};
use crate::openapi::schemas;
use crate::surfaces::handler::{Auth, Handled, Id, Query, Reply, Sent};

const GROUP: &str = "Customers";

pub const CREATE: Docs = docs(GROUP, "createCustomer", "Create a customer")
    .description("If a customer with this e-mail address exists, it is updated instead.")
    .example(r#"{ "email": "ada@example.com", "name": "Ada" }"#)
    .shared(schemas::response::<paygate::Body>);

pub async fn create(
    Auth(app, principal): Auth,
    sent: Sent<CustomerBody>,
) -> Handled<response::Customer<'static>> {
    let (details, key) = sent.read(&app, Details::read_with_email).await?;
    let customer = customers::new_customer(details);
    let render = |customer: &Customer| {
        Reply::<response::Customer>::stored(response::Customer::of(customer).body())
    };
    first_only(customers::create(&app, principal, customer, key, render).await?)
}

pub const READ: Docs =
    docs(GROUP, "getCustomer", "Read a customer").shared(schemas::response::<paygate::Body>);

pub async fn read(Auth(app, principal): Auth, Id(id): Id) -> Handled<response::Customer<'static>> {
    let id = customer_id(&id).ok_or(ApiError::Missing("customer"))?;
    let customer = customers::find(&app, principal, id).await?;
    Ok(Reply::of(response::Customer::of(&customer).body()))
}

pub const LIST: Docs = docs(GROUP, "listCustomers", "List customers")
    .description("Newest first.")
    .shared(schemas::response::<paygate::Body>);

/// `GET /v1/customers`, without a trailing slash: paged by limit and offset.
pub async fn list(
    Auth(app, principal): Auth,
    query: Query<PageParameters>,
) -> Handled<Customers<'static>> {
    let page = Page::read(&Parameters::of(&query.0), customer_id)?;
    let size = Size::whole(page.limit);
    let (found, _) = customers::list(&app, principal, &page, size).await?;
    let customers = Customers {
        items: found.iter().map(response::Customer::of).collect(),
        total_items: count(&app, principal).await?,
        limit: page.limit,
        offset: page.offset,
    };
    Ok(Reply::of(customers.body()))
}

pub const PAGES: Docs = docs(GROUP, "listCustomerPages", "List customers in pages")
    .description("Newest first, with the UUIDs that identify customers in lists of payments.");

/// `GET /v1/customers/`, with a trailing slash: numbered pages.
pub async fn pages(
    Auth(app, principal): Auth,
    query: Query<CustomerPagesParameters>,
) -> Handled<CustomerPage<'static>> {
    let pages = CustomerPages::read(&query.0)?;
    let page = pages.page();
    let (found, _) = customers::list(&app, principal, &page, Size::whole(page.limit)).await?;
    let count = count(&app, principal).await?;
    let address = format!("{}/v1/customers/", app.public_url);
    let page = CustomerPage {
        count,
        next: pages.next(&address, count),
        previous: pages.previous(&address),
        results: found.iter().map(CustomerRow::of).collect(),
    };
    Ok(Reply::of(page.body()))
}

async fn count(app: &App, principal: Principal) -> Result<u64, ApiError> {
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    Ok(store::customers::count(&app.db, merchant, mode, limits::COUNT_MAX.into()).await?)
}
