//! Cards: validated when a request arrives, shown only as brand and last four digits.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

mod brand;
mod identifiers;
mod search;

pub use brand::Brand;
pub use search::contains_card_number;

/// Fewest digits of a card number (ISO/IEC 7812-1).
const DIGITS_MIN: usize = 12;
/// Most digits of a card number.
const DIGITS_MAX: usize = 19;

/// Why a card is rejected before it is sent to an acquirer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// Not 12 to 19 digits, or not the length of its brand.
    #[error("a card number has 12 to 19 digits")]
    Length,
    /// A character other than digits, spaces and hyphens.
    #[error("a card number is made of digits")]
    NotDigits,
    /// The check digit is wrong, or no brand issues numbers that begin like this.
    #[error("the card number is incorrect")]
    Incorrect,
    /// Not 1 ..= 12.
    #[error("a month is 1 to 12")]
    Month,
    /// Not a year of four digits, 2000 ..= 2099.
    #[error("a year has four digits")]
    Year,
    /// Not three digits (four for American Express).
    #[error("a security code has three digits, four for American Express")]
    Cvc,
}

/// A full card. It exists in plain text only between the request and its encryption, and in the
/// card worker. Wiped from memory when dropped; `Debug` shows the last four digits.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Card {
    number: String,
    exp_month: u8,
    exp_year: u16,
    cvc: String,
}

impl Card {
    /// Checks the parts; the error names the first wrong one. Spaces and hyphens in the number are
    /// ignored.
    pub fn new(number: &str, exp_month: i64, exp_year: i64, cvc: &str) -> Result<Self, CardError> {
        let number = digits(number)?;
        let exp_month = u8::try_from(exp_month)
            .ok()
            .filter(|month| (1..=12).contains(month))
            .ok_or(CardError::Month)?;
        let exp_year = u16::try_from(exp_year)
            .ok()
            .filter(|year| (2000..=2099).contains(year))
            .ok_or(CardError::Year)?;
        let cvc_digits = if Brand::of(&number) == Brand::Amex {
            4
        } else {
            3
        };
        if cvc.len() != cvc_digits || !cvc.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CardError::Cvc);
        }
        Ok(Self {
            number: number.to_string(),
            exp_month,
            exp_year,
            cvc: cvc.to_owned(),
        })
    }

    /// The full number. Callers must not store it.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// Its first digits, at most eight, which tell the issuer (PCI DSS 3.4.1 lets them be shown).
    pub fn bin(&self, digits: usize) -> &str {
        self.number.get(..digits.min(8)).unwrap_or_default()
    }

    /// The security code. Callers must not store it.
    pub fn cvc(&self) -> &str {
        &self.cvc
    }

    /// The part that may be stored and shown.
    pub fn masked(&self) -> MaskedCard {
        MaskedCard {
            brand: Brand::of(&self.number),
            last4: last4(&self.number),
            exp_month: self.exp_month,
            exp_year: self.exp_year,
        }
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Card(…{})", last4(&self.number))
    }
}

/// The part of a card that may be shown (PCI DSS 3.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskedCard {
    /// The brand.
    pub brand: Brand,
    /// The number's last four digits.
    pub last4: String,
    /// Month of expiry, 1 ..= 12.
    pub exp_month: u8,
    /// Year of expiry, four digits.
    pub exp_year: u16,
}

fn digits(number: &str) -> Result<Zeroizing<String>, CardError> {
    let mut digits = Zeroizing::new(String::with_capacity(number.len()));
    digits.extend(number.chars().filter(|c| !matches!(c, ' ' | '-')));
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CardError::NotDigits);
    }
    let has_length = brand::has_length(&digits);
    if !(DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) || has_length == Some(false) {
        return Err(CardError::Length);
    }
    // What no brand issues is not taken for a card in other fields either, and would be stored there.
    if has_length.is_none() || !brand::has_check_digit(&digits) {
        return Err(CardError::Incorrect);
    }
    Ok(digits)
}

fn last4(number: &str) -> String {
    number
        .get(number.len().saturating_sub(4)..)
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_parsed_without_showing_the_number(number in "\\PC{0,24}", month in any::<i64>(), year in any::<i64>(), cvc in "\\PC{0,6}") {
            if let Ok(card) = Card::new(&number, month, year, &cvc) {
                let shown = format!("{card:?}");
                prop_assert!(!shown.contains(card.number()));
            }
        }
    }

    #[test]
    fn each_part_is_checked() -> Result<(), CardError> {
        let card = Card::new("4242 4242-4242 4242", 12, 2025, "123")?;
        assert_eq!(card.masked().last4, "4242");
        assert_eq!(card.masked().brand, Brand::Visa);
        assert_eq!(format!("{card:?}"), "Card(…4242)");
        let error = |n: &str, m, y, c: &str| Card::new(n, m, y, c).err();
        assert_eq!(
            error("4242424242424241", 12, 2025, "123"),
            Some(CardError::Incorrect)
        );
        assert_eq!(
            error("42424242424", 12, 2025, "123"),
            Some(CardError::Length)
        );
        assert_eq!(
            error("4242x24242424242", 12, 2025, "123"),
            Some(CardError::NotDigits)
        );
        assert_eq!(
            error("4242424242424242", 13, 2025, "123"),
            Some(CardError::Month)
        );
        assert_eq!(
            error("4242424242424242", 12, 25, "123"),
            Some(CardError::Year)
        );
        assert_eq!(
            error("4242424242424242", 12, 2025, "12"),
            Some(CardError::Cvc)
        );
        assert_eq!(
            error("378282246310005", 12, 2025, "123"),
            Some(CardError::Cvc)
        );
        Card::new("378282246310005", 12, 2025, "1234").map(|_| ())
    }

    #[test]
    fn numbers_have_the_lengths_of_their_brand() {
        for (number, accepted) in [
            ("501800000009", true),
            ("4222222222222", true),
            ("4000000000000000006", true),
            ("30569309025904", true),
            ("3600000000000000004", true),
            ("6011000000000000001", true),
            ("3528000000000000007", true),
            ("123456781234567", false),
            ("424242424242", false),
            ("55555555555544440", false),
            ("1234567812345670", false),
            ("3528000000000", false),
        ] {
            let error = Card::new(number, 12, 2030, "123").err();
            assert_eq!(error.is_none(), accepted, "{number} {error:?}");
        }
    }
}
