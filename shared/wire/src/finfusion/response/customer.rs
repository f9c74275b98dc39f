//! Customer responses.

use domain::customer;
use domain::id::render;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::iso8601::seconds;

/// A customer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Customer<'a> {
    /// Id of the customer, `cust_…`.
    id: String,
    /// E-mail address. `null` if the customer was created without one through another API.
    email: Option<&'a str>,
    /// Full name.
    name: Option<&'a str>,
    /// Telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    /// Your description of the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    /// Creation time, in ISO 8601.
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    /// Key-value pairs that you attached to the object.
    metadata: &'a Map<String, Value>,
}

impl<'a> Customer<'a> {
    /// Builds the response object from a customer.
    pub fn of(customer: &'a customer::Customer) -> Self {
        Self {
            id: render("cust", customer.id.0),
            email: customer.email.as_deref(),
            name: customer.name.as_deref(),
            phone: customer.phone.as_deref(),
            description: customer.description.as_deref(),
            created_at: seconds(customer.created_at),
            metadata: &customer.metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Error;

    use super::*;
    use crate::Body;
    use crate::samples;

    #[test]
    fn a_customer_is_written_as_the_contract_prints_it() -> Result<(), Error> {
        let expected = r#"{"id":"cust_02yQFA33G4VKAod8VHfhj8","email":"customer@example.com","name":"John Doe","created_at":"2023-11-09T21:20:00Z","metadata":{"company":"Acme Inc"}}"#;
        assert_eq!(Customer::of(&samples::customer()?).body(), expected);
        Ok(())
    }
}
