//! Customer creation.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::customer::Details;
use crate::fields::{FieldError, Why};
use crate::finfusion::error::Error;
use crate::limits;

/// Reads the body of `POST /v2/customers`.
pub fn customer(body: Value) -> Result<Details, Error> {
    let details = Details::read(body)?;
    if details.email.is_none() {
        return Err(FieldError::new("email", Why::Missing).into());
    }
    Ok(details)
}

/// A customer to create. If a customer with this `email` exists, it is updated and returned
/// instead; absent fields keep their values.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CustomerToCreate")]
pub struct CustomerBody {
    /// E-mail address.
    #[schemars(length(max = limits::EMAIL_MAX), example = &"customer@example.com")]
    pub email: String,
    /// Full name.
    #[schemars(length(max = limits::NAME_MAX))]
    pub name: Option<String>,
    /// Telephone number.
    #[schemars(length(max = limits::PHONE_MAX))]
    pub phone: Option<String>,
    /// Your description of the customer.
    #[schemars(length(max = limits::DESCRIPTION_MAX))]
    pub description: Option<String>,
    /// Key-value pairs to attach to the object: at most 50 keys, 5 levels of nesting, and 500
    /// characters per string.
    pub metadata: Option<Map<String, Value>>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_documents_example_is_read() {
        let example = json!({
            "email": "customer@example.com", "name": "John Doe",
            "metadata": {"company": "Acme Inc"}
        });
        assert!(serde_json::from_value::<CustomerBody>(example.clone()).is_ok());
        let read = customer(example).map(|read| read.email);
        assert_eq!(read, Ok(Some("customer@example.com".to_owned())));
    }

    #[test]
    fn an_address_is_required_and_one() {
        for body in [
            json!({}),
            json!({"name": "John Doe"}),
            json!({"email": null}),
            json!({"email": "nobody"}),
        ] {
            assert!(serde_json::from_value::<CustomerBody>(json!({})).is_err());
            let error = customer(body.clone()).err();
            let found = error.map(|error| (error.status, error.code, error.param));
            let expected = (400, "VAL001", Some("email".to_owned()));
            assert_eq!(found, Some(expected), "{body}");
        }
    }
}
