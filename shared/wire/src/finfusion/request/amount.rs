//! Amounts: a value in minor units and a currency.

use domain::money::{Currency, MINOR_MAX, Money};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::fields::{FieldError, Fields};

/// A value as a client may write it; which currency it is in is said elsewhere.
pub(super) struct Amount {
    /// More than nothing, at most twelve digits.
    pub(super) minor: i64,
    /// The currency, if it is said.
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
        let currency = match fields.text("currency", 40)? {
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

/// Money in a currency that is said.
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
    /// How much, in the currency's smallest unit: 1000 is 10.00 USD.
    #[schemars(range(min = 1, max = 999_999_999_999_i64), example = 1000)]
    pub value: i64,
    /// ISO 4217 code in upper case.
    #[schemars(regex(pattern = "^[A-Z]{3}$"), example = &"USD")]
    pub currency: String,
}

/// An amount of money, in the payment's currency.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AmountToRefund")]
pub struct RefundAmountBody {
    /// How much, in the currency's smallest unit.
    #[schemars(range(min = 1, max = 999_999_999_999_i64), example = 500)]
    pub value: i64,
    /// The payment's currency; another one is refused.
    #[schemars(regex(pattern = "^[A-Z]{3}$"), example = &"USD")]
    pub currency: Option<String>,
}
