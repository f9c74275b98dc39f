//! Payment creation.

use domain::card::Card;
use domain::money::Money;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::amount::{AmountBody, money};
use crate::card::{self, CardBody};
use crate::fields::{FieldError, Fields};
use crate::finfusion::error::Error;

/// A payment to create.
#[derive(Debug)]
pub struct CreatePayment {
    /// The amount.
    pub money: Money,
    /// The card to charge.
    pub card: Card,
    /// The merchant's own keys and values.
    pub metadata: Map<String, Value>,
}

impl CreatePayment {
    /// Reads the body of `POST /v2/payments`.
    pub fn read(body: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(body)?;
        let money = money(&mut fields)?;
        let method = fields.required("payment_method", Fields::object)?;
        let card = method_card(method)?;
        let metadata = fields.metadata()?;
        fields.finish()?;
        Ok(Self {
            money,
            card,
            metadata,
        })
    }
}

fn method_card(mut fields: Fields) -> Result<Card, FieldError> {
    let kind = fields.required("type", Fields::word)?;
    if kind != "card" {
        return Err(fields.invalid("type", "must be card"));
    }
    let card = fields.required("card", Fields::object)?;
    let card = card::read(card)?;
    fields.finish()?;
    Ok(card)
}

/// A payment to create.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PaymentToCreate")]
pub struct CreatePaymentBody {
    /// Amount and currency of the payment.
    pub amount: AmountBody,
    /// Payment method to charge.
    pub payment_method: MethodBody,
    /// Key-value pairs to attach to the object: at most 50 keys, 5 levels of nesting, and 500
    /// characters per string.
    pub metadata: Option<Map<String, Value>>,
}

/// A payment method to charge.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PaymentMethodToCharge")]
pub struct MethodBody {
    /// Always `card`.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["card"]))]
    pub kind: String,
    /// The card to charge.
    pub card: CardBody,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::error::SurfaceError;
    use crate::samples::{any_json, with};

    fn example() -> Value {
        json!({
            "amount": {"value": 1000, "currency": "USD"},
            "payment_method": {
                "type": "card",
                "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2024, "cvc": "123"}
            },
            "metadata": {"order_id": "order_123", "customer_id": "cust_456"}
        })
    }

    #[test]
    fn the_documents_example_is_read() -> Result<(), Error> {
        assert!(serde_json::from_value::<CreatePaymentBody>(example()).is_ok());
        let read = CreatePayment::read(example())?;
        assert_eq!(read.money.minor(), 1_000);
        assert_eq!(read.money.currency().code(), "USD");
        assert_eq!(read.card.masked().last4, "4242");
        assert_eq!(read.metadata.len(), 2);
        Ok(())
    }

    #[test]
    fn any_amount_above_zero_is_one() {
        for (value, minor) in [(1_i64, 1_i128), (999_999_999_999, 999_999_999_999)] {
            let read = CreatePayment::read(with(example(), "/amount/value", value.into()));
            assert_eq!(read.ok().map(|read| read.money.minor()), Some(minor));
        }
    }

    #[test]
    fn each_wrong_field_is_named() {
        let number = "/payment_method/card/number";
        for (pointer, value) in [
            ("/amount", Value::Null),
            ("/amount", json!(1000)),
            ("/amount/value", Value::Null),
            ("/amount/value", json!(0)),
            ("/amount/value", json!(-1)),
            ("/amount/value", json!(10.0)),
            ("/amount/value", json!(10.5)),
            ("/amount/value", json!("1000")),
            ("/amount/value", json!(1_000_000_000_000_i64)),
            ("/amount/currency", Value::Null),
            ("/amount/currency", json!("usd")),
            ("/amount/currency", json!("USDC")),
            ("/amount/currency", json!("BGN")),
            ("/payment_method", Value::Null),
            ("/payment_method", json!("card")),
            ("/payment_method/type", Value::Null),
            ("/payment_method/type", json!("cash")),
            ("/payment_method/card", Value::Null),
            (number, json!("4242424242424241")),
            (number, json!("42")),
            ("/payment_method/card/exp_month", json!(0)),
            ("/payment_method/card/exp_month", json!(13)),
            ("/payment_method/card/exp_year", json!(24)),
            ("/payment_method/card/cvc", json!("12")),
            ("/payment_method/card/pin", json!("1234")),
            ("/metadata", json!({"note": "4242424242424242"})),
            ("/metadata", json!([])),
            ("/capture", json!(false)),
        ] {
            let error = CreatePayment::read(with(example(), pointer, value.clone())).err();
            let found = error.map(|error| (error.status, error.code, error.param));
            let param = pointer.trim_start_matches('/').replace('/', ".");
            assert_eq!(found, Some((400, "VAL001", Some(param))), "{value}");
        }
        let error = CreatePayment::read(json!([])).err();
        assert_eq!(error.map(|error| error.code), Some("VAL001"));
    }

    #[test]
    fn no_error_repeats_a_card_number() {
        let number = "4242 4242 4242 4242";
        for pointer in [
            "/amount/currency",
            "/payment_method/type",
            "/metadata/note",
            "/4242424242424242",
        ] {
            let error = CreatePayment::read(with(example(), pointer, json!(number))).err();
            let body = error.map(|error| error.body()).unwrap_or_default();
            assert!(body.contains("VAL001") && !body.contains("4242"), "{body}");
        }
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
            pointer in prop::sample::select(vec!["/amount", "/amount/value", "/amount/currency",
                "/payment_method", "/payment_method/type", "/payment_method/card",
                "/payment_method/card/number", "/payment_method/card/cvc", "/metadata"]),
            value in any_json(),
        ) {
            if let Err(error) = CreatePayment::read(with(example(), pointer, value)) {
                prop_assert_eq!((error.status, error.param.is_some()), (400, true));
            }
        }
    }
}
