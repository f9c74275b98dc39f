//! Refund creation.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::error::SurfaceError;
use crate::fields::Fields;
use crate::limits;
use crate::paygate::error::{self, Error};

/// A refund to create.
// The path identifies the payment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RefundToCreate")]
pub struct RefundPayment {
    /// Amount to refund, in the smallest unit of the payment's currency. Defaults to the amount not
    /// yet refunded.
    #[schemars(range(min = 1, max = limits::MINOR_MAX), example = 2500)]
    pub amount: Option<i64>,
    /// Reason for the refund.
    #[schemars(length(max = limits::REASON_MAX), example = &"customer_request")]
    pub reason: Option<String>,
}

impl RefundPayment {
    /// Reads the body of `POST /v1/payments/{id}/refund`.
    pub fn read(body: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(body)?;
        let amount = fields.integer("amount")?;
        if amount.is_some_and(|minor| minor <= 0) {
            return Err(Error::about(&error::AMOUNT_NOT_POSITIVE, "amount"));
        }
        let reason = fields.text("reason", limits::REASON_MAX)?;
        fields.finish()?;
        Ok(Self { amount, reason })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::samples::any_json;

    #[test]
    fn the_documents_example_is_read() {
        let example = json!({"amount": 2500, "reason": "customer_request"});
        assert!(serde_json::from_value::<RefundPayment>(example.clone()).is_ok());
        let refund = RefundPayment {
            amount: Some(2500),
            reason: Some("customer_request".to_owned()),
        };
        assert_eq!(RefundPayment::read(example), Ok(refund));
    }

    #[test]
    fn without_an_amount_all_is_given_back() {
        let all = RefundPayment {
            amount: None,
            reason: None,
        };
        for body in [json!({}), json!({"amount": null, "reason": null})] {
            assert!(serde_json::from_value::<RefundPayment>(body.clone()).is_ok());
            assert_eq!(RefundPayment::read(body), Ok(all.clone()));
        }
    }

    #[test]
    fn each_wrong_field_is_named() {
        for (body, code, param) in [
            (json!({"amount": 0}), "amount_too_small", "amount"),
            (json!({"amount": -1}), "amount_too_small", "amount"),
            (json!({"amount": "2500"}), "parameter_invalid", "amount"),
            (json!({"amount": 25.0}), "parameter_invalid", "amount"),
            (json!({"amount": {}}), "parameter_invalid", "amount"),
            (json!({"reason": 7}), "parameter_invalid", "reason"),
            (
                json!({"reason": "x".repeat(501)}),
                "parameter_invalid",
                "reason",
            ),
            (
                json!({"reason": "4242424242424242"}),
                "card_number_misplaced",
                "reason",
            ),
            (json!({"amuont": 1}), "parameter_unknown", "amuont"),
        ] {
            let error = RefundPayment::read(body.clone()).err();
            let found = error.map(|error| (error.code, error.param));
            assert_eq!(found, Some((code, Some(param.to_owned()))), "{body}");
        }
        for body in [json!([]), json!("2500"), json!(2500), json!(null)] {
            let error = RefundPayment::read(body).err();
            assert_eq!(error.map(|error| error.code), Some("body_invalid"));
        }
    }

    proptest! {
        #[test]
        fn no_json_breaks_the_reader(body in any_json()) {
            match RefundPayment::read(body) {
                Ok(refund) => prop_assert!(refund.amount.is_none_or(|minor| minor > 0)),
                Err(error) => prop_assert_eq!(error.status, 400),
            }
        }
    }
}
