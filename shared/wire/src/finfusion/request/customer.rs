//! A customer to create.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::customer::Details;
use crate::fields::FieldError;
use crate::finfusion::error::Error;

/// Reads the body of `POST /v2/customers`.
pub fn customer(body: Value) -> Result<Details, Error> {
    let details = Details::read(body)?;
    if details.email.is_none() {
        let param = "email".to_owned();
        return Err(FieldError::Missing { param }.into());
    }
    Ok(details)
}

/// A customer. One customer has one address: where a customer with this address is known, creating
/// changes that one and answers with it, and a field that is not sent stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CustomerToCreate")]
pub struct CustomerBody {
    /// E-mail address.
    #[schemars(length(max = 254), example = &"customer@example.com")]
    pub email: String,
    /// Full name.
    #[schemars(length(max = 200))]
    pub name: Option<String>,
    /// Telephone number.
    #[schemars(length(max = 40))]
    pub phone: Option<String>,
    /// Your own words about the customer.
    #[schemars(length(max = 1000))]
    pub description: Option<String>,
    /// Your own keys and values: at most 50 keys, 5 levels, texts of at most 500 characters.
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
