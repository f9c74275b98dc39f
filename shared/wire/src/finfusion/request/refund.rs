//! Refund creation.

use domain::money::Currency;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::amount::{Amount, RefundAmountBody};
use crate::fields::Fields;
use crate::finfusion::error::Error;
use crate::limits;

/// A refund to create. The path identifies the payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundPayment {
    /// Amount in minor units, greater than zero; `None` means the remaining amount.
    pub minor: Option<i64>,
    /// Currency of the amount, if the request names it; must be the payment's.
    pub currency: Option<Currency>,
    /// The merchant's reason.
    pub reason: Option<String>,
}

impl RefundPayment {
    /// Reads the body of `POST /v2/payments/{id}/refund`.
    pub fn read(body: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(body)?;
        // The payment's currency may be withdrawn by now.
        let amount = fields.object("amount")?;
        let amount = amount.map(|amount| Amount::read(amount, Currency::parse_stored));
        let amount = amount.transpose()?;
        let reason = fields.text("reason", limits::REASON_MAX)?;
        fields.finish()?;
        Ok(Self {
            minor: amount.as_ref().map(|amount| amount.minor),
            currency: amount.and_then(|amount| amount.currency),
            reason,
        })
    }
}

/// A refund to create.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RefundToCreate")]
pub struct RefundBody {
    /// Amount to refund. Defaults to the amount not yet refunded.
    pub amount: Option<RefundAmountBody>,
    /// Reason for the refund.
    #[schemars(length(max = limits::REASON_MAX), example = &"customer_request")]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::samples::any_json;

    #[test]
    fn all_or_a_part_is_given_back() {
        let usd = Currency::parse("USD");
        for (body, minor, currency, reason) in [
            (json!({}), None, None, None),
            (json!({"amount": {"value": 500}}), Some(500), None, None),
            (
                json!({"amount": {"value": 500, "currency": "USD"}, "reason": "late"}),
                Some(500),
                usd,
                Some("late".to_owned()),
            ),
            (
                json!({"amount": {"value": 500, "currency": "BGN"}}),
                Some(500),
                Currency::parse_stored("BGN"),
                None,
            ),
        ] {
            assert!(serde_json::from_value::<RefundBody>(body.clone()).is_ok());
            let refund = RefundPayment {
                minor,
                currency,
                reason,
            };
            assert_eq!(RefundPayment::read(body), Ok(refund));
        }
    }

    #[test]
    fn each_wrong_field_is_named() {
        for (body, param) in [
            (json!({"amount": 500}), "amount"),
            (json!({"amount": {}}), "amount.value"),
            (json!({"amount": {"value": 0}}), "amount.value"),
            (json!({"amount": {"value": "400"}}), "amount.value"),
            (
                json!({"amount": {"value": 5, "currency": "dollars"}}),
                "amount.currency",
            ),
            (json!({"amount": {"value": 5, "unit": 1}}), "amount.unit"),
            (json!({"reason": []}), "reason"),
            (json!({"reason": 7}), "reason"),
            (json!({"reason": "4242424242424242"}), "reason"),
            (json!({"payment_id": "pay_1"}), "payment_id"),
        ] {
            let error = RefundPayment::read(body.clone()).err();
            let found = error.map(|error| (error.code, error.param));
            assert_eq!(found, Some(("VAL001", Some(param.to_owned()))), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_json_breaks_the_reader(body in any_json()) {
            match RefundPayment::read(body) {
                Ok(refund) => prop_assert!(refund.minor.is_none_or(|minor| minor > 0)),
                Err(error) => prop_assert_eq!(error.status, 400),
            }
        }
    }
}
