//! Amounts in requests: a value in minor units and a currency.

use domain::money::{Currency, MINOR_MAX, Money};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::fields::{FieldError, Fields, Why, invalid};
use crate::limits;

/// An amount in a request. A refund may omit the currency, which is then the payment's.
pub(super) struct Amount {
    /// Value in minor units: greater than zero, at most 12 digits.
    pub(super) minor: i64,
    /// The currency, if the request names it.
    pub(super) currency: Option<Currency>,
}

impl Amount {
    /// Reads the fields; `parse` reads the currency's code.
    pub(super) fn read(
        mut fields: Fields,
        parse: fn(&str) -> Option<Currency>,
    ) -> Result<Self, FieldError> {
        let minor = fields.required("value", Fields::integer)?;
        if !(1..=MINOR_MAX).contains(&minor) {
            let why = "must be more than zero and have at most 12 digits";
            return Err(fields.invalid("value", why));
        }
        let code = fields.word("currency")?;
        let currency = code.map(|code| {
            let why = "must be a three-letter ISO 4217 code in upper case, such as USD";
            parse(&code).ok_or_else(|| fields.invalid("currency", why))
        });
        let currency = currency.transpose()?;
        fields.finish()?;
        Ok(Self { minor, currency })
    }
}

/// Reads the field `amount`, whose currency is required.
pub(super) fn money(fields: &mut Fields) -> Result<Money, FieldError> {
    let amount = fields.required("amount", Fields::object)?;
    let amount = Amount::read(amount, Currency::parse)?;
    let missing = || FieldError::new("amount.currency", Why::Missing);
    let currency = amount.currency.ok_or_else(missing)?;
    Money::from_minor(amount.minor, currency)
        .map_err(|wrong| invalid("amount.value", format!("is wrong: {wrong}")))
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
