//! Customer responses.

use domain::customer;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// A customer. Fields that were never set are `null`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Customer<'a> {
    /// Id of the customer, `cus_…`.
    id: String,
    /// Always `customer`.
    #[schemars(extend("const" = "customer"))]
    object: &'static str,
    /// E-mail address, unique among your customers.
    email: Option<&'a str>,
    /// Full name.
    name: Option<&'a str>,
    /// Telephone number.
    phone: Option<&'a str>,
    /// Your description of the customer.
    description: Option<&'a str>,
    /// Key-value pairs that you attached to the object.
    metadata: &'a Map<String, Value>,
    /// Creation time, in Unix seconds.
    created: i64,
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
            metadata: &customer.metadata,
            created: customer.created_at.unix_timestamp(),
        }
    }
}
