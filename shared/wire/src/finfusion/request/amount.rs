//! Amounts in requests: a value in minor units and a currency.

use domain::money::{Currency, MINOR_MAX, Money};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::fields::{FieldError, Fields};
use crate::limits;

/// An amount in a request. A refund may omit the currency, which is then the payment's.
pub(super) struct Amount {
    /// Value in minor units: greater than zero, at most 12 digits.
    pub(super) minor: i64,
    /// The currency, if the request names it.
    pub(super) currency: Option<Currency>,
}

impl Amount {
    pub(super) fn read(mut fields: Fields) -> Result<Self, FieldError> {
        let minor = fields.integer("value")?;
        let minor = fields.required("value", minor)?;
        if !(1..=MINOR_MAX).contains(&minor) {
            return Err(FieldError::Invalid {
                param: fields.param("value"),
                why: "must be more than zero and have at most 12 digits".to_owned(),
            });
        }
        let currency = match fields.text("currency", limits::WORD_MAX)? {
            None => None,
            Some(code) => {
                let wrong = || FieldError::Invalid {
                    param: fields.param("currency"),
                    why: "must be a three-letter ISO 4217 code in upper case, such as USD"
                        .to_owned(),
                };
                Some(Currency::parse(&code).ok_or_else(wrong)?)
            }
        };
        fields.finish()?;
        Ok(Self { minor, currency })
    }
}

/// Reads the field `amount`, whose currency is required.
pub(super) fn money(fields: &mut Fields) -> Result<Money, FieldError> {
    let amount = fields.object("amount")?;
    let amount = Amount::read(fields.required("amount", amount)?)?;
    let missing = || FieldError::Missing {
        param: "amount.currency".to_owned(),
    };
    let currency = amount.currency.ok_or_else(missing)?;
    Money::from_minor(amount.minor, currency).map_err(|wrong| FieldError::Invalid {
        param: "amount.value".to_owned(),
        why: format!("is wrong: {wrong}"),
    })
}

/// An amount of money.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AmountToPay")]
pub struct AmountBody {
    /// Amount in the currency's smallest unit: 1000 is 10.00 USD.
    #[schemars(range(min = 1, max = limits::MINOR_MAX), example = 1000)]
    pub value: i64,
    /// Three-letter ISO 4217 currency code, in upper case.
    #[schemars(regex(pattern = limits::CURRENCY), example = &"USD")]
    pub currency: String,
}

/// An amount of money in the payment's currency.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AmountToRefund")]
pub struct RefundAmountBody {
    /// Amount in the currency's smallest unit.
    #[schemars(range(min = 1, max = limits::MINOR_MAX), example = 500)]
    pub value: i64,
    /// Currency of the payment. A different currency is rejected.
    #[schemars(regex(pattern = limits::CURRENCY), example = &"USD")]
    pub currency: Option<String>,
}
