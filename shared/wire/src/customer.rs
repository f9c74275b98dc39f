//! Customers in requests: the same fields on every surface.

use domain::card;
use domain::id::{self, CustomerId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fields::{FieldChange, FieldError, Fields, Why};
use crate::limits;

/// Most digits of the telephone numbers in use, with their country code.
const PHONE_DIGITS_MAX: usize = 13;

/// A customer to create. If a customer with this `email` exists, it is updated and returned
/// instead; absent fields keep their values.
// Surfaces that require an e-mail address describe it with `Details<String>`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CustomerToCreate")]
pub struct Details<Email = Option<String>> {
    /// E-mail address.
    #[schemars(length(max = limits::EMAIL_MAX), example = &"customer@example.com")]
    pub email: Email,
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

impl Details {
    /// Reads the body of a request that creates a customer.
    pub fn read(body: Value) -> Result<Self, FieldError> {
        let mut fields = Fields::of(body)?;
        let details = Self {
            email: email(&mut fields)?,
            name: name(&mut fields)?,
            phone: phone(&mut fields)?,
            description: description(&mut fields)?,
            metadata: fields.optional_metadata()?,
        };
        fields.finish()?;
        Ok(details)
    }

    /// Reads the body of a request that creates a customer and must have an e-mail address.
    pub fn read_with_email(body: Value) -> Result<Self, FieldError> {
        let details = Self::read(body)?;
        match details.email {
            None => Err(FieldError::new("email", Why::Missing)),
            Some(_) => Ok(details),
        }
    }
}

/// Changes to a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// E-mail address, which identifies the customer.
    pub email: FieldChange<String>,
    /// Full name.
    pub name: FieldChange<String>,
    /// Telephone number.
    pub phone: FieldChange<String>,
    /// The merchant's description.
    pub description: FieldChange<String>,
    /// The merchant's own keys and values; replaces all of them.
    pub metadata: FieldChange<Map<String, Value>>,
}

impl Changes {
    /// Reads the body of a request that updates a customer.
    pub fn read(body: Value) -> Result<Self, FieldError> {
        let mut fields = Fields::of(body)?;
        let changes = Self {
            email: fields.change("email", email)?,
            name: fields.change("name", name)?,
            phone: fields.change("phone", phone)?,
            description: fields.change("description", description)?,
            metadata: fields.change("metadata", Fields::optional_metadata)?,
        };
        fields.finish()?;
        Ok(changes)
    }
}

/// Reads the field `email`, an e-mail address.
pub fn email(fields: &mut Fields) -> Result<Option<String>, FieldError> {
    fields.address("email")
}

/// Reads the field `name`.
pub fn name(fields: &mut Fields) -> Result<Option<String>, FieldError> {
    fields.text("name", limits::NAME_MAX)
}

/// Reads the field `phone`. Without its plus sign a telephone number may look like a card number of
/// 12 or 13 digits, lengths that are hardly issued any more; only longer ones are rejected.
pub fn phone(fields: &mut Fields) -> Result<Option<String>, FieldError> {
    let phone = fields.secret_text("phone", limits::PHONE_MAX)?;
    let is_long = |text: &str| text.chars().filter(|c| c.is_numeric()).count() > PHONE_DIGITS_MAX;
    match phone {
        Some(text) if is_long(&text) && card::contains_card_number(&text) => {
            Err(fields.error("phone", Why::CardNumber))
        }
        phone => Ok(phone),
    }
}

fn description(fields: &mut Fields) -> Result<Option<String>, FieldError> {
    fields.text("description", limits::DESCRIPTION_MAX)
}

/// Parses a customer's id in the format of any surface: `cus_…` or `cust_…`.
pub fn id(text: &str) -> Option<CustomerId> {
    CustomerId::parse(text).or_else(|| id::parse("cust", text).map(CustomerId))
}

/// Changes to a customer. Absent fields keep their values, `null` clears a field, and `metadata` is
/// replaced as a whole.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CustomerToChange")]
pub struct CustomerChangesBody {
    /// E-mail address. Must be unique among your customers.
    #[schemars(length(max = limits::EMAIL_MAX))]
    pub email: Option<String>,
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
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::samples::{any_json, is_invalid};

    #[test]
    fn an_absent_field_stays_and_null_clears_it() {
        let body = json!({"name": "Ada", "phone": null, "metadata": null});
        let changes = Changes {
            email: FieldChange::Keep,
            name: FieldChange::To("Ada".to_owned()),
            phone: FieldChange::Clear,
            description: FieldChange::Keep,
            metadata: FieldChange::Clear,
        };
        assert!(serde_json::from_value::<CustomerChangesBody>(body.clone()).is_ok());
        assert_eq!(Changes::read(body), Ok(changes));
    }

    #[test]
    fn an_address_is_one() {
        for wrong in [
            "nobody",
            "a b@c",
            "a@b@c",
            "@b",
            "a@",
            "",
            "a\u{7}@b",
            "a\u{85}@b",
            "a\u{a0}@b",
            "a\u{ad}@b",
            "a\u{200b}@b",
            "a@b\u{200d}",
            "\u{202e}a@b",
            "a\u{2066}@b",
            "a\u{2028}@b",
            "\u{feff}a@b",
            "a\u{fe0f}@b",
            "a\u{3164}@b",
            "a\u{e0041}@b",
        ] {
            let found = Details::read(json!({"email": wrong}));
            assert_eq!(
                found,
                Err(FieldError::new("email", Why::Address)),
                "{wrong}"
            );
        }
        for right in ["ada@example.com", "größe@exämple.com", "İ@例え.jp"] {
            assert!(Details::read(json!({ "email": right })).is_ok(), "{right}");
        }
    }

    #[test]
    fn an_address_may_be_required() {
        let example = json!({
            "email": "customer@example.com", "name": "John Doe",
            "metadata": {"company": "Acme Inc"}
        });
        assert!(serde_json::from_value::<Details<String>>(example.clone()).is_ok());
        let read = Details::read_with_email(example).map(|read| read.email);
        assert_eq!(read, Ok(Some("customer@example.com".to_owned())));
        assert!(serde_json::from_value::<Details<String>>(json!({})).is_err());
        for (body, why) in [
            (json!({}), Why::Missing),
            (json!({"name": "John Doe"}), Why::Missing),
            (json!({"email": null}), Why::Missing),
            (json!({"email": "nobody"}), Why::Address),
        ] {
            let found = Details::read_with_email(body);
            assert_eq!(found, Err(FieldError::new("email", why)));
        }
    }

    #[test]
    fn each_wrong_field_is_named() {
        let number = "4242424242424242";
        let long = |length| json!("x".repeat(length));
        for (name, value) in [
            ("email", json!(7)),
            ("name", json!(7)),
            ("name", long(201)),
            ("phone", long(41)),
            ("description", long(1_001)),
            ("metadata", json!([])),
            ("metadata", json!("x")),
        ] {
            let found = Details::read(json!({ name: value }));
            assert!(is_invalid(found.err(), name), "{name} {value}");
        }
        for (name, value, why) in [
            ("name", json!(number), Why::CardNumber),
            ("metadata", json!({"card": number}), Why::CardNumber),
            ("id", json!("cus_1"), Why::Unknown),
        ] {
            let found = Details::read(json!({ name: value }));
            assert_eq!(found, Err(FieldError::new(name, why)));
        }
    }

    #[test]
    fn telephone_numbers_are_no_card_numbers() {
        for number in [
            "+49 1512 3456785",
            "+4915123456786",
            "4915123456786",
            "0049 1512 3456786",
            "639171234566",
            "+378 2822 4631 0005",
        ] {
            let read = Details::read(json!({ "phone": number })).map(|read| read.phone);
            assert_eq!(read, Ok(Some(number.to_owned())));
        }
        for number in ["378282246310005", "+4242 4242 4242 4242", "30569309025904"] {
            let read = Details::read(json!({ "phone": number }));
            assert_eq!(read, Err(FieldError::new("phone", Why::CardNumber)));
        }
    }

    #[test]
    fn both_spellings_are_one_customer() {
        let known = id("cus_0351FsBhSOBpYQOKJqTKXl");
        assert!(known.is_some());
        assert_eq!(id("cust_0351FsBhSOBpYQOKJqTKXl"), known);
        for wrong in [
            "cust_",
            "custo_0351FsBhSOBpYQOKJqTKXl",
            "pay_0351FsBhSOBpYQOKJqTKXl",
            "",
        ] {
            assert_eq!(id(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_json_breaks_the_readers(body in any_json()) {
            let _ = (Details::read(body.clone()), Changes::read(body));
        }

        #[test]
        fn what_is_cleared_or_set_is_said(name in "[a-z ]{1,20}", clear in any::<bool>()) {
            let body = json!({"name": if clear { Value::Null } else { name.clone().into() }});
            let expected = if clear { FieldChange::Clear } else { FieldChange::To(name) };
            prop_assert_eq!(Changes::read(body).map(|changes| changes.name), Ok(expected));
        }
    }
}
