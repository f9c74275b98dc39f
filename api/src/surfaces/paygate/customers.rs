//! Customers.

use domain::customer::Customer;
use domain::id::CustomerId;
use store::accept::StoredResponse;
use store::page::Size;
use wire::Body;
use wire::customer::{self, Changes, CustomerChangesBody, Details};
use wire::page::{Page, PageParameters};
use wire::paygate::response;
use wire::query::Parameters;

use crate::actions::customers;
use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};
use crate::surfaces::handler::{Auth, Handled, Id, Plain, Query, Reply, Sent};

const GROUP: &str = "Customers";

pub const CREATE: Docs = docs(GROUP, "createCustomer", "Create a customer")
    .description("If a customer with this e-mail address exists, it is updated instead.")
    .example(r#"{ "email": "ada@example.com", "name": "Ada" }"#);

pub async fn create(
    Auth(app, principal): Auth,
    sent: Sent<Details>,
) -> Handled<response::Customer<'static>> {
    let (details, key) = sent.read(&app, Details::read).await?;
    let customer = customers::new_customer(details);
    let created = customers::create(&app, principal, customer, key, render).await?;
    Ok(created.into())
}

fn render(customer: &Customer) -> StoredResponse {
    Reply::<response::Customer>::stored(response::Customer::of(customer).body())
}

pub const READ: Docs = docs(GROUP, "getCustomer", "Read a customer");

pub async fn read(Auth(app, principal): Auth, Id(id): Id) -> Handled<response::Customer<'static>> {
    let customer = customers::find(&app, principal, parse(&id)?).await?;
    Ok(Reply::of(response::Customer::of(&customer).body()))
}

fn parse(id: &str) -> Result<CustomerId, ApiError> {
    customer::id(id).ok_or(ApiError::Missing("customer"))
}

pub const UPDATE: Docs =
    docs(GROUP, "updateCustomer", "Update a customer").example(r#"{ "name": "Ada Lovelace" }"#);

pub async fn update(
    Auth(app, principal): Auth,
    Id(id): Id,
    sent: Sent<CustomerChangesBody, Plain>,
) -> Handled<response::Customer<'static>> {
    let id = parse(&id)?;
    let (changes, _) = sent.read(&app, Changes::read).await?;
    let changes = customers::changed(changes);
    let customer = customers::update(&app, principal, id, &changes).await?;
    Ok(Reply::of(response::Customer::of(&customer).body()))
}

pub const LIST: Docs = docs(GROUP, "listCustomers", "List customers").description("Newest first.");

pub async fn list(
    Auth(app, principal): Auth,
    query: Query<PageParameters>,
) -> Handled<response::List<response::Customer<'static>>> {
    let page = Page::read(&Parameters::of(&query.0), customer::id)?;
    let size = Size::short(page.limit);
    let (found, has_more) = customers::list(&app, principal, &page, size).await?;
    let data = found.iter().map(response::Customer::of).collect();
    Ok(Reply::of(response::List::of(&page, data, has_more).body()))
}
