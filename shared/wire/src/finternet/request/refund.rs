//! Refunding the payment of an intent.

use domain::money::{Currency, Money};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::intent::exact;
use crate::fields::Fields;
use crate::finternet::error::Error;
use crate::limits;

/// A refund to create.
#[derive(Debug, PartialEq, Eq)]
pub struct RefundIntent {
    /// The amount; `None` means what is not yet refunded.
    pub money: Option<Money>,
    /// The merchant's reason.
    pub reason: Option<String>,
}

impl RefundIntent {
    /// Reads the body of `POST /v1/payment-intents/{id}/refunds`. `currency` is the card payment's.
    pub fn read(body: Value, currency: Currency) -> Result<Self, Error> {
        let mut fields = Fields::of(body)?;
        // Not checked for card numbers: a long amount may look like one.
        let amount = fields.secret_text("amount", limits::AMOUNT_MAX)?;
        let money = amount.map(|text| exact(&text, currency)).transpose()?;
        let reason = fields.text("reason", limits::REASON_MAX)?;
        fields.finish()?;
        Ok(Self { money, reason })
    }
}

/// A refund to create.
// The path identifies the payment intent.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RefundToCreate")]
pub struct RefundBody {
    /// Amount to refund as a decimal string, in the currency that the card was charged in: US
    /// dollars, also if the payment intent is in a stablecoin. Defaults to the amount not yet
    /// refunded.
    #[schemars(
        regex(pattern = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?$"),
        example = "25.00"
    )]
    pub amount: Option<String>,
    /// Reason for the refund.
    #[schemars(length(max = limits::REASON_MAX), example = &"customer_request")]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::samples::{any_json, money};

    fn read(body: Value) -> Result<Result<RefundIntent, Error>, serde_json::Error> {
        Ok(RefundIntent::read(body, money(1, "USD")?.currency()))
    }

    #[test]
    fn an_amount_is_optional() -> Result<(), serde_json::Error> {
        let body = json!({"amount": "25.00", "reason": "customer_request"});
        assert!(serde_json::from_value::<RefundBody>(body.clone()).is_ok());
        let part = RefundIntent {
            money: Some(money(2_500, "USD")?),
            reason: Some("customer_request".to_owned()),
        };
        assert_eq!(read(body)?, Ok(part));
        let all = RefundIntent {
            money: None,
            reason: None,
        };
        for body in [json!({}), json!({"amount": null, "reason": null})] {
            assert_eq!(read(body)?.as_ref(), Ok(&all));
        }
        Ok(())
    }

    #[test]
    fn each_wrong_field_is_named() -> Result<(), serde_json::Error> {
        for (body, param) in [
            (json!({"amount": 25}), "amount"),
            (json!({"amount": "0"}), "amount"),
            (json!({"amount": "-1.00"}), "amount"),
            (json!({"amount": "1.005"}), "amount"),
            (json!({"amount": "1e3"}), "amount"),
            (json!({"amount": "9".repeat(20)}), "amount"),
            (json!({"reason": 7}), "reason"),
            (json!({"reason": "4242424242424242"}), "reason"),
            (json!({"currency": "USD"}), "currency"),
        ] {
            let error = read(body.clone())?.err();
            let found = error.map(|error| (error.status, error.param));
            assert_eq!(found, Some((400, Some(param.to_owned()))), "{body}");
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn no_json_breaks_the_reader(body in any_json()) {
            let read = read(body).ok().and_then(Result::err);
            prop_assert!(read.is_none_or(|error| error.status == 400));
        }
    }
}
