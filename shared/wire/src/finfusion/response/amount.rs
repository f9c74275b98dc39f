//! Amounts in responses.

use domain::money::Money;
use schemars::JsonSchema;
use serde::Serialize;

/// An amount of money.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Amount {
    /// Amount in the currency's smallest unit: 1000 is 10.00 USD.
    value: i128,
    /// Three-letter ISO 4217 currency code, in upper case.
    currency: &'static str,
}

impl Amount {
    /// Builds the response object from an amount.
    pub fn of(money: Money) -> Self {
        Self {
            value: money.minor(),
            currency: money.currency().code(),
        }
    }
}
