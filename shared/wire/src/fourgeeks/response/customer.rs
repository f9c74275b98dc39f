//! Customer responses, and lists of customers in two formats.

use domain::customer;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// A customer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Customer<'a> {
    /// Id of the customer, `cus_…`.
    id: String,
    /// Always `customer`.
    object: &'static str,
    /// E-mail address.
    email: Option<&'a str>,
    /// Full name.
    name: Option<&'a str>,
    /// Telephone number.
    phone: Option<&'a str>,
    /// Your description of the customer.
    description: Option<&'a str>,
}

impl<'a> Customer<'a> {
    /// Builds the response object from a customer.
    pub fn of(customer: &'a customer::Customer) -> Self {
        Self {
            id: customer.id.to_string(),
            object: "customer",
            email: customer.email.as_deref(),
            name: customer.name.as_deref(),
            phone: customer.phone.as_deref(),
            description: customer.description.as_deref(),
        }
    }
}

/// A page of customers, newest first: `GET /v1/customers`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Customers<'a> {
    /// Customers of the page.
    pub items: Vec<Customer<'a>>,
    /// Number of customers, counted up to 10,100: as far as a page can reach.
    pub total_items: u64,
    /// Maximum number of objects on the page.
    pub limit: u32,
    /// Number of objects skipped.
    pub offset: u32,
}

/// A customer with the UUID that lists of payments show.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CustomerRow<'a> {
    /// UUID of the customer.
    id: Uuid,
    /// E-mail address.
    email: Option<&'a str>,
    /// Full name.
    name: Option<&'a str>,
    /// Telephone number.
    phone: Option<&'a str>,
    /// Your description of the customer.
    description: Option<&'a str>,
    /// Key-value pairs that you attached to the customer.
    metadata: &'a serde_json::Map<String, serde_json::Value>,
    /// Whether the object was created in test mode.
    test: bool,
}

impl<'a> CustomerRow<'a> {
    /// Builds the row of a customer.
    pub fn of(customer: &'a customer::Customer) -> Self {
        Self {
            id: customer.id.0,
            email: customer.email.as_deref(),
            name: customer.name.as_deref(),
            phone: customer.phone.as_deref(),
            description: customer.description.as_deref(),
            metadata: &customer.metadata,
            test: !customer.mode.is_live(),
        }
    }
}

/// A numbered page of customers, newest first: `GET /v1/customers/`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CustomerPage<'a> {
    /// Number of customers, counted up to 10,100: as far as a page can reach.
    pub count: u64,
    /// URL of the next page; `null` if there is none.
    pub next: Option<String>,
    /// URL of the previous page; `null` if there is none.
    pub previous: Option<String>,
    /// Customers of the page.
    pub results: Vec<CustomerRow<'a>>,
}

#[cfg(test)]
mod tests {
    use domain::id::CustomerId;
    use serde_json::{Error, Map};

    use super::*;
    use crate::{Body, samples};

    #[test]
    fn a_customer_and_both_lists_are_written_as_found() -> Result<(), Error> {
        let customer = customer::Customer {
            id: CustomerId(Uuid::from_u128(1)),
            phone: Some("+1234567890".to_owned()),
            description: Some("Premium customer".to_owned()),
            metadata: Map::new(),
            ..samples::customer()?
        };
        let one = r#"{"id":"cus_0000000000000000000001","object":"customer","email":"customer@example.com","name":"John Doe","phone":"+1234567890","description":"Premium customer"}"#;
        assert_eq!(Customer::of(&customer).body(), one);
        let items = vec![Customer::of(&customer)];
        let list = Customers {
            items,
            total_items: 1,
            limit: 10,
            offset: 0,
        };
        assert_eq!(
            list.body(),
            format!(r#"{{"items":[{one}],"total_items":1,"limit":10,"offset":0}}"#)
        );
        let page = CustomerPage {
            count: 3,
            next: Some("https://pay.example.com/v1/customers/?page=3&page_size=1".to_owned()),
            previous: None,
            results: vec![CustomerRow::of(&customer)],
        };
        assert_eq!(
            page.body(),
            r#"{"count":3,"next":"https://pay.example.com/v1/customers/?page=3&page_size=1","previous":null,"results":[{"id":"00000000-0000-0000-0000-000000000001","email":"customer@example.com","name":"John Doe","phone":"+1234567890","description":"Premium customer","metadata":{},"test":true}]}"#
        );
        Ok(())
    }
}
