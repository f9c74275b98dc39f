//! A customer to create.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::customer::Details;
use crate::fields::FieldError;

/// A customer to create; its address is required here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateCustomer(pub Details);

impl CreateCustomer {
    /// Reads the body of `POST /v1/customers`.
    pub fn read(body: Value) -> Result<Self, FieldError> {
        let details = Details::read(body)?;
        if details.email.is_none() {
            let param = "email".to_owned();
            return Err(FieldError::Missing { param });
        }
        Ok(Self(details))
    }
}

/// A customer to create. One customer has one address: where a customer with this address is known,
/// creating changes that one and answers with it, and a field that is not sent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CustomerToCreate")]
pub struct CustomerBody {
    /// E-mail address.
    #[schemars(length(max = 254), example = "customer@example.com")]
    pub email: String,
    /// Full name.
    #[schemars(length(max = 200))]
    pub name: Option<String>,
    /// Your own words about the customer.
    #[schemars(length(max = 1000))]
    pub description: Option<String>,
    /// Telephone number.
    #[schemars(length(max = 40))]
    pub phone: Option<String>,
    /// Your own keys and values: at most 50 keys, 5 levels, texts of at most 500 characters.
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
        let param = "email".to_owned();
        let found = CreateCustomer::read(json!({"name": "John Doe"}));
        assert_eq!(found, Err(FieldError::Missing { param }));
        assert!(CreateCustomer::read(json!({"email": "nobody"})).is_err());
    }
}
