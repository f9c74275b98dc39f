//! A payment to create.

use domain::card::Card;
use domain::money::{AmountError, Currency, Money};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::card::{self, CardBody};
use crate::customer;
use crate::fields::Fields;
use crate::paygate::error::Error;

/// A payment to create.
#[derive(Debug)]
pub struct CreatePayment {
    /// How much.
    pub money: Money,
    /// Who pays.
    pub customer: Option<Customer>,
    /// With which card; without one the payment waits.
    pub card: Option<Card>,
    /// The merchant's words about it.
    pub description: Option<String>,
    /// The merchant's own keys and values.
    pub metadata: Map<String, Value>,
}

/// Who pays.
#[derive(Debug)]
pub struct Customer {
    /// E-mail address; one customer for each.
    pub email: Option<String>,
    /// Full name.
    pub name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
}

impl CreatePayment {
    /// Reads the body of `POST /v1/payments`.
    ///
    /// # Errors
    /// [`Error`] names the first wrong field.
    pub fn read(body: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(body)?;
        let money = money(&mut fields)?;
        let method = fields.text("payment_method", 40)?;
        let method = fields.required("payment_method", method)?;
        if method != "card" {
            let message = "payment_method must be card";
            return Err(Error::invalid(
                "payment_method_unsupported",
                "payment_method",
                message,
            ));
        }
        let customer = fields.object("customer")?.map(payer).transpose()?;
        let card = fields.object("card")?.map(card::read).transpose()?;
        let description = fields.text("description", 1_000)?;
        let metadata = fields.metadata()?;
        fields.finish()?;
        Ok(Self {
            money,
            customer,
            card,
            description,
            metadata,
        })
    }
}

fn money(fields: &mut Fields) -> Result<Money, Error> {
    let minor = fields.integer("amount")?;
    let minor = fields.required("amount", minor)?;
    let code = fields.text("currency", 40)?;
    let code = fields.required("currency", code)?;
    let currency = Currency::parse(&code).ok_or_else(|| {
        let message = "currency must be a three-letter ISO 4217 code in upper case, such as USD";
        Error::invalid("currency_invalid", "currency", message)
    })?;
    let least = least_minor(currency);
    let too_small = || {
        let message = format!("Amount must be at least {}", shown(least, currency));
        Error::invalid("amount_too_small", "amount", message)
    };
    if minor < least {
        return Err(too_small());
    }
    Money::from_minor(minor, currency).map_err(|wrong| match wrong {
        AmountError::NotPositive | AmountError::TooFine => too_small(),
        AmountError::TooLarge => {
            let message = "Amount must have at most 12 digits";
            Error::invalid("amount_too_large", "amount", message)
        }
    })
}

/// The least amount: half a unit of the currency, or 50 of one that has no smaller unit.
fn least_minor(currency: Currency) -> i64 {
    match currency.exponent() {
        0 => 50,
        exponent => 10_i64.checked_pow(exponent).map_or(50, |unit| unit / 2),
    }
}

fn shown(minor: i64, currency: Currency) -> String {
    let amount = Money::from_minor(minor, currency).map(|money| money.amount().to_string());
    let sign = if currency.code() == "USD" { "$" } else { "" };
    format!("{sign}{} {currency}", amount.unwrap_or_default())
}

fn payer(mut fields: Fields) -> Result<Customer, Error> {
    let email = customer::email(&mut fields)?;
    let name = customer::name(&mut fields)?;
    let phone = customer::phone(&mut fields)?;
    fields.finish()?;
    Ok(Customer { email, name, phone })
}

/// A payment to create.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PaymentToCreate")]
pub struct CreatePaymentBody {
    /// How much, in the currency's smallest unit: 5000 is 50.00 USD. At least half a unit, 50 for
    /// currencies without a smaller one.
    #[schemars(range(min = 50, max = 999_999_999_999_i64), example = 5000)]
    pub amount: i64,
    /// ISO 4217 code in upper case.
    #[schemars(regex(pattern = "^[A-Z]{3}$"), example = &"USD")]
    pub currency: String,
    /// How the payer pays.
    #[schemars(extend("enum" = ["card"]))]
    pub payment_method: String,
    /// Who pays. One customer for each e-mail address.
    pub customer: Option<PayerBody>,
    /// The card to charge. Without one the payment stays `pending`, and fails after 24 hours.
    pub card: Option<CardBody>,
    /// Your own words about the payment.
    #[schemars(length(max = 1000))]
    pub description: Option<String>,
    /// Your own keys and values: at most 50 keys, 5 levels, texts of at most 500 characters.
    pub metadata: Option<Map<String, Value>>,
}

/// Who pays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PayerDetails")]
pub struct PayerBody {
    /// E-mail address.
    #[schemars(length(max = 254), example = &"customer@example.com")]
    pub email: Option<String>,
    /// Full name.
    #[schemars(length(max = 200))]
    pub name: Option<String>,
    /// Telephone number.
    #[schemars(length(max = 40))]
    pub phone: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::samples::{self, any_json};

    fn example() -> Value {
        json!({
            "amount": 5000, "currency": "USD", "payment_method": "card",
            "customer": {"email": "customer@example.com", "name": "John Doe"},
            "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2025, "cvc": "123"},
            "description": "Order #12345"
        })
    }

    fn with(pointer: &str, value: Value) -> Result<CreatePayment, Error> {
        CreatePayment::read(samples::with(example(), pointer, value))
    }

    fn refused(pointer: &str, value: Value) -> (&'static str, Option<String>) {
        with(pointer, value)
            .err()
            .map_or(("accepted", None), |error| (error.code, error.param))
    }

    #[test]
    fn the_documents_example_is_read() -> Result<(), Error> {
        assert!(serde_json::from_value::<CreatePaymentBody>(example()).is_ok());
        let read = CreatePayment::read(example())?;
        assert_eq!(read.money.minor(), 5_000);
        assert_eq!(
            read.card.map(|card| card.masked().last4).as_deref(),
            Some("4242")
        );
        assert!(
            read.customer
                .is_some_and(|c| c.name.as_deref() == Some("John Doe"))
        );
        Ok(())
    }

    #[test]
    fn the_documents_error_is_answered() {
        let error = with("/amount", json!(49)).err();
        assert_eq!(
            error.map(|error| error.body()).as_deref(),
            Some(
                r#"{"error":{"type":"invalid_request_error","code":"amount_too_small","message":"Amount must be at least $0.50 USD","param":"amount"}}"#
            )
        );
    }

    #[test]
    fn money_is_an_integer_in_range() {
        for wrong in [
            json!("5000"),
            json!(50.0),
            json!(5e3),
            json!(true),
            json!([5000]),
            json!({}),
        ] {
            assert_eq!(
                refused("/amount", wrong.clone()).0,
                "parameter_invalid",
                "{wrong}"
            );
        }
        for small in [json!(0), json!(-5000), json!(49)] {
            assert_eq!(refused("/amount", small).0, "amount_too_small");
        }
        for large in [json!(1_000_000_000_000_i64), json!(u64::MAX)] {
            assert_eq!(refused("/amount", large).0, "amount_too_large");
        }
        assert_eq!(refused("/amount", Value::Null).0, "parameter_missing");
        for code in ["usd", "XXX", "USDC", "", "US", "€€€"] {
            assert_eq!(refused("/currency", json!(code)).0, "currency_invalid");
        }
    }

    #[test]
    fn each_part_of_a_card_is_named() {
        let at = |name: &str| Some(format!("card.{name}"));
        assert_eq!(
            refused("/card/number", json!("4242424242424241")),
            ("incorrect_number", at("number"))
        );
        assert_eq!(
            refused("/card/number", json!("42")),
            ("invalid_number", at("number"))
        );
        assert_eq!(
            refused("/card/number", json!(4_242_424_242_424_242_i64)).1,
            at("number")
        );
        assert_eq!(
            refused("/card/exp_month", json!(13)),
            ("invalid_expiry_month", at("exp_month"))
        );
        assert_eq!(
            refused("/card/exp_year", json!(25)),
            ("invalid_expiry_year", at("exp_year"))
        );
        assert_eq!(
            refused("/card/cvc", json!("12")),
            ("invalid_cvc", at("cvc"))
        );
        assert_eq!(
            refused("/card/cvc", Value::Null),
            ("parameter_missing", at("cvc"))
        );
        assert_eq!(
            refused("/card", json!("4242424242424242")),
            ("parameter_invalid", Some("card".to_owned()))
        );
    }

    #[test]
    fn a_card_number_is_refused_where_texts_are_stored() {
        let number = "4242 4242 4242 4242";
        for pointer in [
            "/description",
            "/customer/name",
            "/customer/email",
            "/payment_method",
            "/currency",
        ] {
            assert_eq!(
                refused(pointer, json!(number)).0,
                "card_number_misplaced",
                "{pointer}"
            );
        }
        for metadata in [
            json!({"a": number}),
            json!({number: 1}),
            json!({"a": [{"b": number}]}),
            json!({"a": 4_242_424_242_424_242_i64}),
        ] {
            assert_eq!(refused("/metadata", metadata).0, "card_number_misplaced");
        }
        let error = with(&format!("/{number}"), json!(1)).err();
        assert!(error.is_some_and(|error| !error.body().contains("4242")));
    }

    #[test]
    fn what_nobody_knows_is_refused() {
        assert_eq!(
            refused("/capture", json!(false)),
            ("parameter_unknown", Some("capture".to_owned()))
        );
        assert_eq!(refused("/card/pin", json!("1")).0, "parameter_unknown");
        assert_eq!(
            refused("/description", json!("a\0b")).0,
            "parameter_invalid"
        );
        assert_eq!(refused("/metadata", json!([1])).0, "parameter_invalid");
        assert_eq!(
            refused("/customer/email", json!("nobody")).0,
            "email_invalid"
        );
        assert_eq!(
            refused("/payment_method", json!("cash")).0,
            "payment_method_unsupported"
        );
    }

    proptest! {
        #[test]
        fn no_json_breaks_the_reader(body in any_json()) {
            if let Err(error) = CreatePayment::read(body) {
                prop_assert_eq!(error.status, 400);
            }
        }

        #[test]
        fn no_value_in_any_place_breaks_the_reader(
            pointer in prop::sample::select(vec!["/amount", "/currency", "/card", "/card/number", "/card/cvc",
                "/card/exp_month", "/customer", "/customer/email", "/description", "/metadata"]),
            value in any_json(),
        ) {
            if let Err(error) = with(pointer, value) {
                prop_assert_eq!(error.status, 400);
                prop_assert!(error.param.is_some());
            }
        }
    }
}
