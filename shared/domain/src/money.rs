//! Money: an exact decimal in a currency, never finer than the currency's smallest unit.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most minor units one amount may have: the twelve digits of ISO 8583's field 4.
pub const MINOR_MAX: i64 = 999_999_999_999;

/// A currency of ISO 4217 that has a smallest unit (gold, test and fund codes have none).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Reads a code of three upper-case letters.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let currency = iso_currency::Currency::from_code(code)?;
        if matches!(code, "XXX" | "XTS") {
            return None;
        }
        currency.exponent().map(|_| Self(currency))
    }

    /// The three letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimal digits the smallest unit has: JPY 0, USD 2, KWD 3.
    #[must_use]
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Currency::parse(&code).ok_or_else(|| serde::de::Error::custom("not a currency"))
    }
}

/// Why a number is not an amount of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotMoney {
    /// Zero or less.
    #[error("an amount is more than zero")]
    NotPositive,
    /// More than [`MINOR_MAX`] minor units.
    #[error("an amount has at most twelve digits")]
    TooLarge,
    /// Finer than the currency's smallest unit.
    #[error("an amount is a whole number of the currency's smallest unit")]
    TooFine,
}

/// A positive amount, exact to the currency's smallest unit and at most [`MINOR_MAX`] of them.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Money {
    #[serde(with = "rust_decimal::serde::str")]
    amount: Decimal,
    currency: Currency,
}

impl Money {
    /// An amount given in minor units (cents for USD).
    ///
    /// # Errors
    /// [`NotMoney`] outside 1 ..= [`MINOR_MAX`].
    pub fn from_minor(minor: i64, currency: Currency) -> Result<Self, NotMoney> {
        if minor <= 0 {
            return Err(NotMoney::NotPositive);
        }
        if minor > MINOR_MAX {
            return Err(NotMoney::TooLarge);
        }
        let amount = Decimal::new(minor, currency.exponent());
        Ok(Self { amount, currency })
    }

    /// An amount given in major units (dollars for USD).
    ///
    /// # Errors
    /// [`NotMoney`] if it is not positive, too large, or finer than the smallest unit.
    pub fn from_major(amount: Decimal, currency: Currency) -> Result<Self, NotMoney> {
        if amount.round_dp(currency.exponent()) != amount {
            return Err(NotMoney::TooFine);
        }
        let minor = to_minor(amount, currency).ok_or(NotMoney::TooLarge)?;
        Self::from_minor(minor, currency)
    }

    /// The amount in major units, with exactly the currency's decimals.
    #[must_use]
    pub const fn amount(&self) -> Decimal {
        self.amount
    }

    /// The currency.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The amount in minor units, 1 ..= [`MINOR_MAX`].
    #[must_use]
    pub fn minor(&self) -> i64 {
        // Held by the constructors: the mantissa is the number of minor units.
        i64::try_from(self.amount.mantissa()).unwrap_or(MINOR_MAX)
    }

    /// The share of `basis_points` ten-thousandths, rounded half to even to the smallest unit and
    /// never more than the amount. In major units.
    #[must_use]
    pub fn share(&self, basis_points: u16) -> Decimal {
        let share = self
            .amount
            .checked_mul(Decimal::new(i64::from(basis_points), 4))
            .unwrap_or(self.amount)
            .min(self.amount);
        let mut share = share.round_dp_with_strategy(
            self.currency.exponent(),
            RoundingStrategy::MidpointNearestEven,
        );
        share.rescale(self.currency.exponent());
        share
    }
}

fn to_minor(amount: Decimal, currency: Currency) -> Option<i64> {
    let mut amount = amount;
    amount.rescale(currency.exponent());
    i64::try_from(amount.mantissa()).ok()
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            #[serde(with = "rust_decimal::serde::str")]
            amount: Decimal,
            currency: Currency,
        }
        let parts = Parts::deserialize(deserializer)?;
        Money::from_major(parts.amount, parts.currency).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency() -> impl Strategy<Value = Currency> {
        prop::sample::select(vec!["USD", "EUR", "JPY", "KWD", "CLF"])
            .prop_filter_map("a currency", Currency::parse)
    }

    proptest! {
        #[test]
        fn minor_units_come_back(minor in 1..=MINOR_MAX, currency in currency()) {
            let money = Money::from_minor(minor, currency)?;
            prop_assert_eq!(money.minor(), minor);
            prop_assert_eq!(Money::from_major(money.amount(), currency), Ok(money));
            prop_assert_eq!(money.amount().scale(), currency.exponent());
        }

        #[test]
        fn a_share_never_exceeds_the_whole(minor in 1..=MINOR_MAX, currency in currency(), points in any::<u16>()) {
            let money = Money::from_minor(minor, currency)?;
            let share = money.share(points);
            prop_assert!(share <= money.amount() && share >= Decimal::ZERO);
            prop_assert_eq!(share.scale(), currency.exponent());
        }

        #[test]
        fn json_keeps_it_exact(minor in 1..=MINOR_MAX, currency in currency()) {
            let money = Money::from_minor(minor, currency)?;
            let text = serde_json::to_string(&money)?;
            prop_assert_eq!(serde_json::from_str::<Money>(&text)?, money);
        }
    }

    #[test]
    fn what_is_not_money_is_refused() -> Result<(), NotMoney> {
        let (Some(usd), Some(jpy)) = (Currency::parse("USD"), Currency::parse("JPY")) else {
            return Err(NotMoney::TooFine);
        };
        assert_eq!(Money::from_minor(0, usd), Err(NotMoney::NotPositive));
        assert_eq!(Money::from_minor(-1, usd), Err(NotMoney::NotPositive));
        assert_eq!(
            Money::from_minor(MINOR_MAX + 1, usd),
            Err(NotMoney::TooLarge)
        );
        assert_eq!(
            Money::from_major(Decimal::new(5001, 3), usd),
            Err(NotMoney::TooFine)
        );
        assert_eq!(
            Money::from_major(Decimal::new(15, 1), jpy),
            Err(NotMoney::TooFine)
        );
        assert_eq!(
            Money::from_major(Decimal::MAX, usd),
            Err(NotMoney::TooLarge)
        );
        assert_eq!(
            Money::from_minor(5000, usd)?.share(550),
            Decimal::new(275, 2)
        );
        Ok(())
    }

    #[test]
    fn codes_are_three_upper_case_letters_with_a_unit() {
        assert_eq!(Currency::parse("KWD").map(Currency::exponent), Some(3));
        assert_eq!(Currency::parse("JPY").map(Currency::exponent), Some(0));
        for code in ["usd", "US", "USDC", "XAU", "XXX", "XTS", "ZZZ", ""] {
            assert_eq!(Currency::parse(code), None, "{code}");
        }
    }
}
