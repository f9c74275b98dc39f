//! Refund creation, in either of two formats.

use domain::id::PaymentId;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{DECIMAL, decimal};
use crate::fields::{FieldError, Fields, invalid};
use crate::fourgeeks::payment_id;
use crate::limits;

/// Largest number of decimals of any currency.
const DECIMALS_MAX: u32 = 4;

/// Reasons that a refund with `charge_id` may have.
const REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];

/// A refund to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateRefund {
    /// The payment to refund; `None` if the request's id is malformed.
    pub payment_id: Option<PaymentId>,
    /// The `charge_id` as sent, if the request used it instead of `payment_id`.
    pub charge_id: Option<String>,
    /// Amount to refund; `None` means the remaining amount.
    pub amount: Option<RequestedAmount>,
    /// The merchant's reason.
    pub reason: Option<String>,
}

/// A requested amount. Converting it to money requires the payment's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestedAmount {
    /// In the currency's smallest unit.
    Minor(i64),
    /// In major units.
    Major(Decimal),
}

impl CreateRefund {
    /// Reads the body of `POST /v1/refunds`: `payment_id` with an amount in minor units, or
    /// `charge_id` with a decimal string.
    pub fn read(body: Value) -> Result<Self, FieldError> {
        let mut fields = Fields::of(body)?;
        let payment = fields.text("payment_id", 100)?;
        let charge = fields.text("charge_id", 100)?;
        let read = match (payment, charge) {
            (Some(_), Some(_)) => {
                let why = "must not stand beside payment_id";
                return Err(invalid("charge_id", why));
            }
            (None, Some(charge)) => Self::of_charge(&mut fields, charge)?,
            (payment, None) => {
                let payment = fields.required("payment_id", |_, _| Ok(payment))?;
                Self::of_payment(&mut fields, &payment)?
            }
        };
        fields.finish()?;
        Ok(read)
    }

    fn of_payment(fields: &mut Fields, payment: &str) -> Result<Self, FieldError> {
        Ok(Self {
            payment_id: payment_id(payment),
            charge_id: None,
            amount: fields.integer("amount")?.map(RequestedAmount::Minor),
            reason: fields.text("reason", limits::REASON_MAX)?,
        })
    }

    fn of_charge(fields: &mut Fields, charge: String) -> Result<Self, FieldError> {
        let amount = fields.amount("amount")?;
        let amount = amount.map(|text| decimal("amount", &text, DECIMALS_MAX));
        let reason = fields.text("reason", limits::REASON_MAX)?;
        if reason
            .as_deref()
            .is_some_and(|reason| !REASONS.contains(&reason))
        {
            let why = format!("must be one of {}", REASONS.join(", "));
            return Err(invalid("reason", why));
        }
        Ok(Self {
            payment_id: payment_id(&charge),
            charge_id: Some(charge),
            amount: amount.transpose()?.map(RequestedAmount::Major),
            reason,
        })
    }
}

/// A refund to create, in either of two formats.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "RefundToCreate")]
pub enum RefundBody {
    /// Identifies the payment by `payment_id`.
    Payment(RefundOfPaymentBody),
    /// Identifies the payment by `charge_id`.
    Charge(RefundOfChargeBody),
}

/// A refund with its amount in the currency's smallest unit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RefundOfPayment")]
pub struct RefundOfPaymentBody {
    /// Payment to refund, by its `pay_` id or its UUID.
    pub payment_id: String,
    /// Amount to refund, in the currency's smallest unit. Defaults to the remaining amount.
    #[schemars(range(min = 1, max = limits::MINOR_MAX), example = 2500)]
    pub amount: Option<i64>,
    /// Reason for the refund.
    #[schemars(length(max = limits::REASON_MAX), example = "Customer requested partial refund")]
    pub reason: Option<String>,
}

/// A refund with its amount as a decimal string.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RefundOfCharge")]
pub struct RefundOfChargeBody {
    /// Payment to refund, by its `pay_` id or its UUID.
    pub charge_id: String,
    /// Amount to refund, in major units. Defaults to the remaining amount.
    #[schemars(regex(pattern = DECIMAL), length(max = limits::AMOUNT_MAX), example = "10.99")]
    pub amount: Option<String>,
    /// Reason for the refund.
    #[schemars(regex(pattern = "^(duplicate|fraudulent|requested_by_customer)$"))]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::error::SurfaceError;
    use crate::fourgeeks::error::Error;
    use crate::samples::any_json;

    const PAYMENT: &str = "pay_0000000000000000000007";

    fn field_error(body: Value) -> String {
        let error = CreateRefund::read(body).err();
        error
            .map(|wrong| Error::from(wrong).body())
            .unwrap_or_default()
    }

    #[test]
    fn both_shapes_are_read_and_described() -> Result<(), Error> {
        let uuid = Uuid::from_u128(7).to_string();
        let payment = json!({"payment_id": PAYMENT, "amount": 2500, "reason": "Customer requested partial refund"});
        let charge =
            json!({"charge_id": uuid, "amount": "10.99", "reason": "requested_by_customer"});
        for body in [&payment, &charge] {
            assert!(serde_json::from_value::<RefundBody>(body.clone()).is_ok());
        }
        let id = Some(PaymentId(Uuid::from_u128(7)));
        let read = CreateRefund::read(payment)?;
        assert_eq!((read.payment_id, read.charge_id), (id, None));
        assert_eq!(read.amount, Some(RequestedAmount::Minor(2_500)));
        let read = CreateRefund::read(charge)?;
        assert_eq!((read.payment_id, read.charge_id), (id, Some(uuid)));
        assert_eq!(
            read.amount,
            Some(RequestedAmount::Major(Decimal::new(1_099, 2)))
        );
        let all = CreateRefund::read(json!({"payment_id": "1BSt6hCqnAMAMqhvMGiBxOWe"}))?;
        assert_eq!((all.payment_id, all.amount, all.reason), (None, None, None));
        Ok(())
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, expected) in [
            (json!({}), "The payment_id field is required."),
            (
                json!({"payment_id": 7}),
                "The payment_id field must be a string.",
            ),
            (
                json!({"payment_id": PAYMENT, "charge_id": PAYMENT}),
                "The charge_id field must not stand beside payment_id.",
            ),
            (
                json!({"payment_id": PAYMENT, "amount": "25.00"}),
                "The amount field must be an integer.",
            ),
            (
                json!({"payment_id": PAYMENT, "amount": 25.0}),
                "The amount field must be an integer.",
            ),
            (
                json!({"charge_id": PAYMENT, "amount": "-1"}),
                "The amount field must be a decimal number in a string",
            ),
            (
                json!({"charge_id": PAYMENT, "amount": 2500}),
                "The amount field must be a string.",
            ),
            (
                json!({"charge_id": PAYMENT, "reason": "because"}),
                "The reason field must be one of duplicate, fraudulent, requested_by_customer.",
            ),
            (
                json!({"payment_id": PAYMENT, "currency": "USD"}),
                "The currency field is not known.",
            ),
            (json!([]), "The body must be an object."),
        ] {
            let found = field_error(body.clone());
            assert!(found.contains(expected), "{body}: {found}");
        }
    }

    proptest! {
        #[test]
        fn no_json_breaks_the_reader(body in any_json(), charge in any::<bool>(), amount in any_json()) {
            let name = if charge { "charge_id" } else { "payment_id" };
            for body in [body, json!({name: PAYMENT, "amount": amount})] {
                let is_charge = body.get("charge_id").is_some_and(Value::is_string);
                if let Ok(read) = CreateRefund::read(body) {
                    prop_assert_eq!(read.charge_id.is_some(), is_charge);
                }
            }
        }
    }
}
