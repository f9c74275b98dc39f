//! Customer creation.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::customer::Details;
use crate::fields::{FieldError, Why};
use crate::limits;

/// A customer to create. The e-mail address is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateCustomer(pub Details);

impl CreateCustomer {
    /// Reads the body of `POST /v1/customers`.
    pub fn read(body: Value) -> Result<Self, FieldError> {
        let details = Details::read(body)?;
        if details.email.is_none() {
            return Err(FieldError::new("email", Why::Missing));
        }
        Ok(Self(details))
    }
}

/// A customer to create. If a customer with this `email` exists, it is updated and returned
/// instead; absent fields keep their values.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CustomerToCreate")]
pub struct CustomerBody {
    /// E-mail address.
    #[schemars(length(max = limits::EMAIL_MAX), example = "customer@example.com")]
    pub email: String,
    /// Full name.
    #[schemars(length(max = limits::NAME_MAX))]
    pub name: Option<String>,
    /// Your description of the customer.
    #[schemars(length(max = limits::DESCRIPTION_MAX))]
    pub description: Option<String>,
    /// Telephone number.
    #[schemars(length(max = limits::PHONE_MAX))]
    pub phone: Option<String>,
    /// Key-value pairs to attach to the object: at most 50 keys, 5 levels of nesting, and 500
    /// characters per string.
    pub metadata: Option<serde_json::Map<String, Value>>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_required_and_the_rest_is_not() {
        let example = json!({
            "email": "customer@example.com", "name": "John Doe", "phone": "+1234567890",
            "description": "Premium customer"
        });
        for body in [example, json!({"email": "customer@example.com"})] {
            assert!(serde_json::from_value::<CustomerBody>(body.clone()).is_ok());
            assert!(CreateCustomer::read(body).is_ok());
        }
        let found = CreateCustomer::read(json!({"name": "John Doe"}));
        assert_eq!(found, Err(FieldError::new("email", Why::Missing)));
        assert!(CreateCustomer::read(json!({"email": "nobody"})).is_err());
    }
}
