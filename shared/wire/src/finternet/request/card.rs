//! Card payments of an intent.

use domain::card::{Card, CardError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::fields::{FieldError, Fields, Why, invalid};
use crate::finternet::error::Error;
use crate::limits;

/// Address fields of a card, with their maximum length in characters. They are validated, but
/// neither stored nor sent to the acquirer.
const TEXTS: [(&str, usize); 4] = [
    ("addressLine1", limits::NAME_MAX),
    ("addressLine2", limits::NAME_MAX),
    ("city", limits::CITY_MAX),
    ("zipCode", limits::POSTAL_CODE_MAX),
];

/// Reads the body of `POST /v1/payment-intents/public/{id}/payment`. Errors name the fields of
/// `card` without its name: `cardNumber`.
pub fn card(body: Value) -> Result<Card, Error> {
    let mut fields = Fields::of(body)?;
    let card = fields.required("card", |fields, name| Ok(fields.value(name)))?;
    fields.finish()?;
    if !card.is_object() {
        return Err(invalid("card", "must be an object").into());
    }
    read(Fields::of(card)?)
}

fn read(mut fields: Fields) -> Result<Card, Error> {
    let number = Zeroizing::new(fields.required("cardNumber", |fields, name| {
        fields.secret_text(name, limits::CARD_NUMBER_MAX)
    })?);
    let expiry = fields.required("expiry", Fields::word)?;
    let cvv = Zeroizing::new(fields.required("cvv", |fields, name| fields.secret_text(name, 10))?);
    fields.required("name", |fields, name| {
        let name = fields.text(name, limits::NAME_MAX)?;
        Ok(name.filter(|name| !name.trim().is_empty()))
    })?;
    for (name, most) in TEXTS {
        fields.text(name, most)?;
    }
    for name in ["state", "country"] {
        let text = fields.text(name, 40)?.unwrap_or_default();
        let has_two_letters = text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic());
        if !text.is_empty() && !has_two_letters {
            return Err(invalid(name, "must be a code of two letters").into());
        }
    }
    fields.finish()?;
    let card = checked(&number, &expiry, &cvv);
    Ok(card.map_err(|why| FieldError::new(part(why), Why::Card(why)))?)
}

fn checked(number: &str, expiry: &str, cvv: &str) -> Result<Card, CardError> {
    let (month, year) = month_and_year(expiry)?;
    check_number(number)?;
    Card::new(number, month, year, cvv)
}

/// The field that the error is about.
const fn part(why: CardError) -> &'static str {
    match why {
        CardError::Length | CardError::NotDigits | CardError::Incorrect => "cardNumber",
        CardError::Month | CardError::Year => "expiry",
        CardError::Cvc => "cvv",
    }
}

/// Checks that a number has 13 to 19 digits, ignoring spaces.
fn check_number(number: &str) -> Result<(), CardError> {
    let digits = number.chars().filter(|c| *c != ' ');
    match digits.clone().all(|c| c.is_ascii_digit()) {
        false => Err(CardError::NotDigits),
        true if (13..=19).contains(&digits.count()) => Ok(()),
        true => Err(CardError::Length),
    }
}

/// Parses `MM/YY`, in this century.
fn month_and_year(expiry: &str) -> Result<(i64, i64), CardError> {
    let two_digits = |part: &str| {
        let is_plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i64>().ok().filter(|_| is_plain)
    };
    let (month, year) = expiry.split_once('/').ok_or(CardError::Month)?;
    let month = two_digits(month).ok_or(CardError::Month)?;
    let year = two_digits(year).ok_or(CardError::Year)?;
    Ok((month, 2000 + year))
}

/// A card payment of a payment intent.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CardPayment")]
pub struct CardPaymentBody {
    /// The card to charge.
    pub card: PayersCard,
}

/// The card to charge. Encrypted on receipt and never stored in plain text. Name and address are
/// validated, but not stored.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PayersCard {
    /// Card number of 13 to 19 digits. Spaces are ignored.
    #[schemars(regex(pattern = "^[0-9 ]{13,40}$"), example = "4242 4242 4242 4242")]
    pub card_number: String,
    /// Expiration date, `MM/YY`.
    #[schemars(regex(pattern = "^(0[1-9]|1[0-2])/[0-9]{2}$"), example = "12/30")]
    pub expiry: String,
    /// Card security code: 3 digits, or 4 for American Express.
    #[schemars(regex(pattern = limits::SECURITY_CODE), example = "123")]
    pub cvv: String,
    /// Cardholder name, as printed on the card.
    #[schemars(length(min = 1, max = limits::NAME_MAX))]
    pub name: String,
    /// Address line 1, such as the street.
    #[schemars(length(max = limits::NAME_MAX))]
    pub address_line1: Option<String>,
    /// Address line 2, such as the apartment.
    #[schemars(length(max = limits::NAME_MAX))]
    pub address_line2: Option<String>,
    /// City.
    #[schemars(length(max = limits::CITY_MAX))]
    pub city: Option<String>,
    /// Two-letter state code.
    #[schemars(regex(pattern = "^([A-Za-z]{2})?$"))]
    pub state: Option<String>,
    /// Postal code.
    #[schemars(length(max = limits::POSTAL_CODE_MAX))]
    pub zip_code: Option<String>,
    /// Two-letter ISO 3166 country code.
    #[schemars(regex(pattern = "^([A-Za-z]{2})?$"))]
    pub country: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::samples::{self, any_json};

    fn example() -> Value {
        json!({"card": {
            "cardNumber": "4242 4242 4242 4242", "expiry": "12/25", "cvv": "123",
            "name": "John Doe", "addressLine1": "123 Main St", "addressLine2": "Apt 4B",
            "city": "New York", "state": "NY", "zipCode": "10001", "country": "US"
        }})
    }

    fn with(name: &str, value: Value) -> Result<Card, Error> {
        card(samples::with(example(), &format!("/card/{name}"), value))
    }

    fn field_error(name: &str, value: Value) -> (&'static str, String) {
        let error = with(name, value).err();
        error.map_or(("accepted", String::new()), |error| {
            (error.code, error.param.unwrap_or_default())
        })
    }

    #[test]
    fn the_documents_example_is_read() -> Result<(), Error> {
        let described = serde_json::from_value::<CardPaymentBody>(example());
        assert!(described.is_ok());
        let read = card(example())?;
        assert_eq!((read.number(), read.cvc()), ("4242424242424242", "123"));
        let masked = read.masked();
        assert_eq!((masked.exp_month, masked.exp_year), (12, 2025));
        let few = json!({"card": {
            "cardNumber": "378282246310005", "expiry": "01/30", "cvv": "1234", "name": "J"
        }});
        card(few).map(|_| ())
    }

    #[test]
    fn a_form_may_leave_the_address_blank() {
        for name in [
            "addressLine1",
            "addressLine2",
            "city",
            "state",
            "zipCode",
            "country",
        ] {
            assert_eq!(field_error(name, json!("")).0, "accepted", "{name}");
            assert_eq!(field_error(name, Value::Null).0, "accepted", "{name}");
        }
    }

    #[test]
    fn a_wrong_card_names_its_field() {
        for (name, values) in [
            (
                "cardNumber",
                vec![
                    "4242424242424241",
                    "42",
                    "4242-4242-4242-4242",
                    "4242x24242424242",
                    "",
                    // Other surfaces accept 12 digits; this contract requires 13.
                    "500000000009",
                ],
            ),
            (
                "expiry",
                vec![
                    "13/25", "00/25", "12/2025", "1/25", "12-25", "1225", "12/", "/25", "+1/25",
                ],
            ),
            ("cvv", vec!["12", "1234", "12a", ""]),
        ] {
            for value in values {
                let expected = ("invalid_card", name.to_owned());
                assert_eq!(field_error(name, json!(value)), expected, "{value}");
            }
        }
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        for name in ["cardNumber", "expiry", "cvv", "name"] {
            let expected = ("invalid_request", name.to_owned());
            assert_eq!(field_error(name, Value::Null), expected);
            assert_eq!(field_error(name, json!(7)), expected);
        }
        for (name, value) in [
            ("name", json!("  ")),
            ("name", json!("4242 4242 4242 4242")),
            ("state", json!("New York")),
            ("country", json!("U5")),
            ("pin", json!("1")),
        ] {
            assert_eq!(
                field_error(name, value),
                ("invalid_request", name.to_owned())
            );
        }
        for (body, param) in [
            (json!({}), "card"),
            (json!({"card": "4242424242424242"}), "card"),
            (json!({"card": []}), "card"),
            (json!({"card": {}, "amount": "1.00"}), "amount"),
        ] {
            let error = card(body).err().and_then(|error| error.param);
            assert_eq!(error.as_deref(), Some(param));
        }
    }

    proptest! {
        #[test]
        fn no_json_breaks_the_reader(body in any_json(), part in any_json()) {
            for error in [card(body).err(), with("cardNumber", part).err()].into_iter().flatten() {
                prop_assert_eq!(error.status, 400);
            }
        }

        #[test]
        fn spaces_change_nothing(places in prop::collection::vec(0..16_usize, 0..6)) {
            let mut number = "4242424242424242".to_owned();
            for place in places {
                number.insert(place, ' ');
            }
            let read = with("cardNumber", json!(number)).ok();
            prop_assert_eq!(read.as_ref().map(Card::number), Some("4242424242424242"));
        }

        #[test]
        fn no_text_breaks_the_reader(
            name in prop::sample::select(vec!["cardNumber", "expiry", "cvv", "name", "state", "zipCode"]),
            text in "\\PC{0,24}",
        ) {
            if let Err(error) = with(name, json!(text)) {
                prop_assert_eq!((error.status, error.param.as_deref()), (400, Some(name)));
            }
        }
    }
}
