//! Customers, and lists of them in two forms.

use domain::customer;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// A customer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Customer<'a> {
    /// The customer's id.
    id: String,
    /// Always `customer`.
    object: &'static str,
    /// E-mail address.
    email: Option<&'a str>,
    /// Full name.
    name: Option<&'a str>,
    /// Telephone number.
    phone: Option<&'a str>,
    /// What the merchant says about it.
    description: Option<&'a str>,
}

impl<'a> Customer<'a> {
    /// The customer as this contract writes it.
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

    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

/// A part of the customers, newest first: `GET /v1/customers`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Customers<'a> {
    /// The customers.
    pub items: Vec<Customer<'a>>,
    /// How many there are altogether.
    pub total_items: u64,
    /// How many were asked for at most.
    pub limit: u32,
    /// How many were skipped.
    pub offset: u32,
}

impl Customers<'_> {
    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

/// A customer with the number that lists of payments show.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CustomerRow<'a> {
    /// The customer's number.
    id: Uuid,
    /// E-mail address.
    email: Option<&'a str>,
    /// Full name.
    name: Option<&'a str>,
    /// Telephone number.
    phone: Option<&'a str>,
    /// What the merchant says about it.
    description: Option<&'a str>,
    /// The merchant's own keys and values.
    metadata: &'a serde_json::Map<String, serde_json::Value>,
    /// Whether it was made with a test key.
    test: bool,
}

impl<'a> CustomerRow<'a> {
    /// The customer as a page shows it.
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

/// A page of the customers, newest first: `GET /v1/customers/`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CustomerPage<'a> {
    /// How many there are altogether.
    pub count: u64,
    /// The address of the next page; `null` on the last one.
    pub next: Option<String>,
    /// The address of the page before; `null` on the first one.
    pub previous: Option<String>,
    /// The customers.
    pub results: Vec<CustomerRow<'a>>,
}

impl CustomerPage<'_> {
    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{CustomerId, MerchantId};
    use domain::merchant::Mode;
    use serde_json::Map;
    use time::macros::datetime;

    use super::*;

    fn customer() -> customer::Customer {
        customer::Customer {
            id: CustomerId(Uuid::from_u128(1)),
            merchant_id: MerchantId(Uuid::from_u128(2)),
            mode: Mode::Test,
            email: Some("customer@example.com".to_owned()),
            name: Some("John Doe".to_owned()),
            phone: Some("+1234567890".to_owned()),
            description: Some("Premium customer".to_owned()),
            metadata: Map::new(),
            created_at: datetime!(2025-12-04 10:30:00 UTC),
            updated_at: datetime!(2025-12-04 10:30:00 UTC),
        }
    }

    #[test]
    fn a_customer_and_both_lists_are_written_as_found() {
        let customer = customer();
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
    }
}
