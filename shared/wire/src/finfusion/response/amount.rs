//! An amount of money.

use domain::money::Money;
use schemars::JsonSchema;
use serde::Serialize;

/// An amount of money.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Amount {
    /// How much, in the currency's smallest unit: 1000 is 10.00 USD.
    value: i128,
    /// ISO 4217 code.
    currency: &'static str,
}

impl Amount {
    /// The amount as this contract writes it.
    pub fn of(money: Money) -> Self {
        Self {
            value: money.minor(),
            currency: money.currency().code(),
        }
    }
}
