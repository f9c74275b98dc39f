//! A customer.

use domain::customer;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// A customer. What you never said of it is `null`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Customer<'a> {
    /// The customer's id, `cus_…`.
    id: String,
    /// Always `customer`.
    #[schemars(extend("const" = "customer"))]
    object: &'static str,
    /// E-mail address; no other customer has it.
    email: Option<&'a str>,
    /// Full name.
    name: Option<&'a str>,
    /// Telephone number.
    phone: Option<&'a str>,
    /// Your own words about the customer.
    description: Option<&'a str>,
    /// Your own keys and values.
    metadata: &'a Map<String, Value>,
    /// When it was created, in Unix seconds.
    created: i64,
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
            metadata: &customer.metadata,
            created: customer.created_at.unix_timestamp(),
        }
    }

    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}
