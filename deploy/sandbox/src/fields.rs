//! The fields of requests: references, amounts and currencies, validated when parsed.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

const REFERENCE_LENGTH_MAX: usize = 100;
/// With the fraction, fewer than the 28 digits that a `Decimal` holds. No card currency has more
/// than 4 decimals.
const WHOLE_DIGITS_MAX: usize = 15;
const FRACTION_DIGITS_MAX: usize = 4;

#[derive(Debug, thiserror::Error)]
#[error("malformed")]
pub(crate) struct Malformed;

/// The client's reference for an authorization, a refund or a payment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Reference(Box<str>);

impl TryFrom<String> for Reference {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if text.is_empty() || text.len() > REFERENCE_LENGTH_MAX || !text.bytes().all(is_allowed) {
            return Err(Malformed);
        }
        Ok(Self(text.into_boxed_str()))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A positive amount; a decimal string in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Amount(Decimal);

impl Amount {
    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

impl TryFrom<String> for Amount {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
        let digits = |part: &str, max| {
            matches!(part.len(), length if length > 0 && length <= max)
                && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(whole, WHOLE_DIGITS_MAX) || !digits(fraction, FRACTION_DIGITS_MAX) {
            return Err(Malformed);
        }
        let amount = Decimal::from_str_exact(&text).map_err(|_| Malformed)?;
        if amount.is_zero() {
            Err(Malformed)
        } else {
            Ok(Self(amount))
        }
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.0.to_string()
    }
}

/// The three-letter code of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Currency([u8; 3]);

impl TryFrom<String> for Currency {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let letters: [u8; 3] = text.as_bytes().try_into().map_err(|_| Malformed)?;
        if letters.iter().all(u8::is_ascii_uppercase) {
            Ok(Self(letters))
        } else {
            Err(Malformed)
        }
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.0.map(char::from).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Result<Amount, Malformed> {
        Amount::try_from(text.to_owned())
    }

    #[test]
    fn an_amount_preserves_its_digits_and_compares_by_value() -> Result<(), Malformed> {
        assert_eq!(String::from(amount("50.00")?), "50.00");
        assert_eq!(amount("50.00")?, amount("50")?);
        assert!(amount("0.01")? < amount("50")?);
        Ok(())
    }

    #[test]
    fn invalid_amounts_are_rejected() {
        let invalid = [
            "",
            "0",
            "0.00",
            "-1",
            "+1",
            "1e3",
            "1_000",
            ".5",
            "5.",
            "1.2.3",
            " 1",
            "1.00000",
            "1234567890123456",
        ];
        for text in invalid {
            assert!(amount(text).is_err(), "{text}");
        }
    }

    #[test]
    fn references_and_currencies_are_validated() -> Result<(), Malformed> {
        Reference::try_from("att_01J-x.y:2".to_owned())?;
        for text in ["", "a/b", "a b", "é"] {
            assert!(Reference::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert_eq!(String::from(Currency::try_from("USD".to_owned())?), "USD");
        for text in ["usd", "US", "USDT"] {
            assert!(Currency::try_from(text.to_owned()).is_err(), "{text}");
        }
        Ok(())
    }
}
