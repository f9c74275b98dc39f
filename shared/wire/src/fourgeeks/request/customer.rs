//! Customer creation.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::limits;

/// A customer to create. If a customer with this `email` exists, it is updated and returned
/// instead; absent fields keep their values.
// Like `Details<String>`, but in the order of this API's document.
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
    pub metadata: Option<Map<String, Value>>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::customer::Details;

    #[test]
    fn an_address_is_required_and_the_rest_is_not() {
        let example = json!({
            "email": "customer@example.com", "name": "John Doe", "phone": "+1234567890",
            "description": "Premium customer"
        });
        for body in [example, json!({"email": "customer@example.com"})] {
            assert!(serde_json::from_value::<CustomerBody>(body.clone()).is_ok());
            assert!(Details::read_with_email(body).is_ok());
        }
        assert!(serde_json::from_value::<CustomerBody>(json!({"name": "John Doe"})).is_err());
    }
}
