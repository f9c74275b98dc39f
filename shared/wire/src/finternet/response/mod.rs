//! What a client is answered.

mod account;
mod intent;

pub use account::{Balance, LedgerEntries, Movement};
pub use intent::PaymentIntent;

use domain::intent::Intent;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use super::status;

/// The least decimals of a printed amount.
const DECIMALS_MIN: u32 = 2;

/// What every object of this API comes in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Envelope")]
pub struct Envelope<T> {
    /// The object's id.
    id: String,
    /// What kind of object it is.
    object: &'static str,
    /// The object's status.
    status: &'static str,
    /// The object itself.
    data: T,
    /// When it was made, Unix seconds.
    created: i64,
    /// When it last changed, Unix seconds.
    updated: i64,
}

impl<'a> Envelope<PaymentIntent<'a>> {
    /// An intent as this contract writes it.
    #[must_use]
    pub fn of(intent: &'a Intent) -> Self {
        Self {
            id: intent.id.to_string(),
            object: PaymentIntent::OBJECT,
            status: status(intent.state()),
            data: PaymentIntent::of(intent),
            created: intent.created_at.unix_timestamp(),
            updated: intent.updated_at().unix_timestamp(),
        }
    }
}

impl<T: Serialize> Envelope<T> {
    /// The body.
    #[must_use]
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

/// A page of payment intents, the newest first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PaymentIntentList")]
pub struct Intents<'a> {
    /// Always `list`.
    #[schemars(extend("const" = "list"))]
    object: &'static str,
    /// The payment intents.
    data: Vec<Envelope<PaymentIntent<'a>>>,
    /// Whether older ones follow: ask for them with the last one's id as `starting_after`.
    has_more: bool,
}

impl<'a> Intents<'a> {
    /// The page as this contract writes it.
    #[must_use]
    pub fn of(intents: &'a [Intent], has_more: bool) -> Self {
        Self {
            object: "list",
            data: intents.iter().map(Envelope::of).collect(),
            has_more,
        }
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

/// An amount without the zeros at its end, but with two decimals at least: `100.00`, `0.123456`.
fn amount(exact: Decimal) -> String {
    let mut shown = exact.normalize();
    if shown.scale() < DECIMALS_MIN {
        shown.rescale(DECIMALS_MIN);
    }
    shown.to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_printed_amount_is_exact_and_has_decimals(minor in any::<i64>(), scale in 0..=18_u32) {
            let exact = Decimal::new(minor, scale);
            let shown = amount(exact);
            prop_assert_eq!(shown.parse::<Decimal>().ok(), Some(exact));
            let decimals = shown.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            prop_assert!(decimals >= 2 && (decimals == 2 || !shown.ends_with('0')));
        }
    }

    #[test]
    fn amounts_read_as_the_documents_print_them() {
        assert_eq!(amount(Decimal::new(1_000_000_000, 6)), "1000.00");
        assert_eq!(amount(Decimal::new(5, 1)), "0.50");
        assert_eq!(amount(Decimal::new(123_456, 6)), "0.123456");
        assert_eq!(amount(Decimal::new(0, 18)), "0.00");
    }
}
