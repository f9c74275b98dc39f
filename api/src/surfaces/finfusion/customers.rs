//! Customers.

use domain::customer::Customer;
use wire::Body;
use wire::customer::{self, Details};
use wire::finfusion::response;

use crate::actions::customers;
use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};
use crate::surfaces::handler::{Auth, Handled, Id, Reply, Sent};

const GROUP: &str = "Customers";

pub const CREATE: Docs = docs(GROUP, "createCustomer", "Create a customer")
    .description("If a customer with this e-mail address exists, it is updated instead.")
    .example(r#"{ "email": "customer@example.com", "name": "John Doe" }"#);

pub async fn create(
    Auth(app, principal): Auth,
    sent: Sent<Details<String>>,
) -> Handled<response::Customer<'static>> {
    let (details, key) = sent.read(&app, Details::read_with_email).await?;
    let customer = customers::new_customer(details);
    let render = |customer: &Customer| {
        Reply::<response::Customer>::stored(response::Customer::of(customer).body())
    };
    let created = customers::create(&app, principal, customer, key, render).await?;
    Ok(created.into())
}

pub const READ: Docs = docs(GROUP, "getCustomer", "Read a customer");

pub async fn read(Auth(app, principal): Auth, Id(id): Id) -> Handled<response::Customer<'static>> {
    let id = customer::id(&id).ok_or(ApiError::Missing("customer"))?;
    let customer = customers::find(&app, principal, id).await?;
    Ok(Reply::of(response::Customer::of(&customer).body()))
}
