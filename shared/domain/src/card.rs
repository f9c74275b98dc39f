//! Cards: validated when a request arrives, shown only as brand and last four digits.

use std::fmt;

use card_validate::{Type, Validate};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Why a card is rejected before it is sent to an acquirer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// Not 12 to 19 digits, or not the length of its brand.
    #[error("a card number has 12 to 19 digits")]
    Length,
    /// A character other than digits, spaces and hyphens.
    #[error("a card number is made of digits")]
    NotDigits,
    /// The check digit is wrong.
    #[error("the card number's check digit is wrong")]
    Luhn,
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

/// A card brand, recognized by the number's first digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "brand names")]
pub enum Brand {
    Visa,
    Mastercard,
    Amex,
    Discover,
    Diners,
    Jcb,
    Unionpay,
    Maestro,
    Mir,
    Dankort,
    Unknown,
}

names!(Brand {
    Visa = "visa",
    Mastercard = "mastercard",
    Amex = "amex",
    Discover = "discover",
    Diners = "diners",
    Jcb = "jcb",
    Unionpay = "unionpay",
    Maestro = "maestro",
    Mir = "mir",
    Dankort = "dankort",
    Unknown = "unknown",
});

impl Brand {
    fn of(digits: &str) -> Self {
        match Validate::evaluate_type(digits) {
            Ok(Type::Visa | Type::VisaElectron) => Brand::Visa,
            Ok(Type::MasterCard) => Brand::Mastercard,
            Ok(Type::Amex) => Brand::Amex,
            Ok(Type::Discover) => Brand::Discover,
            Ok(Type::DinersClub) => Brand::Diners,
            Ok(Type::JCB) => Brand::Jcb,
            Ok(Type::UnionPay) => Brand::Unionpay,
            Ok(Type::Maestro) => Brand::Maestro,
            Ok(Type::MIR) => Brand::Mir,
            Ok(Type::Dankort) => Brand::Dankort,
            Ok(_) | Err(_) => Brand::Unknown,
        }
    }
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

/// Whether `text` contains what looks like a card number: 13 to 19 digits of a known brand with a
/// valid check digit. The digits may be grouped, with one or two characters between groups that are
/// neither letters nor digits. Separate groups of other digits may come before and after it ("order
/// 7 4242 4242 …").
pub fn contains_card_number(text: &str) -> bool {
    let mut groups = Groups::default();
    let mut gap = 0_u8;
    for character in text.chars() {
        if character.is_ascii_digit() {
            match gap {
                0 => groups.extend(character),
                1 | 2 => groups.start(character),
                _ => {
                    if groups.contain_card_number() {
                        return true;
                    }
                    groups = Groups::default();
                    groups.start(character);
                }
            }
            gap = 0;
        } else {
            gap = if character.is_alphanumeric() {
                3
            } else {
                gap.saturating_add(1).min(3)
            };
        }
    }
    groups.contain_card_number()
}

/// A run of digits, and the index at which each group starts.
#[derive(Default)]
struct Groups {
    digits: Zeroizing<String>,
    starts: Vec<usize>,
}

impl Groups {
    fn start(&mut self, digit: char) {
        self.starts.push(self.digits.len());
        self.digits.push(digit);
    }

    fn extend(&mut self, digit: char) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        self.digits.push(digit);
    }

    fn contain_card_number(&self) -> bool {
        let ends = || self.starts.iter().copied().chain([self.digits.len()]);
        self.starts.iter().any(|start| {
            ends()
                .filter(|end| (start + 13..=start + 19).contains(end))
                .any(|end| {
                    let window = self.digits.get(*start..end);
                    window.is_some_and(|window| Validate::from(window).is_ok())
                })
        })
    }
}

fn digits(number: &str) -> Result<Zeroizing<String>, CardError> {
    let mut digits = Zeroizing::new(String::with_capacity(number.len()));
    digits.extend(number.chars().filter(|c| !matches!(c, ' ' | '-')));
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CardError::NotDigits);
    }
    if !(12..=19).contains(&digits.len()) {
        return Err(CardError::Length);
    }
    if let Ok(brand) = Validate::evaluate_type(&digits)
        && !Validate::is_length_valid(&digits, &brand)
        && Brand::of(&digits) != Brand::Visa
    {
        return Err(CardError::Length);
    }
    if !Validate::is_luhn_valid(&digits) {
        return Err(CardError::Luhn);
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

        #[test]
        fn a_card_number_is_found_in_any_text(before in "[a-zé ]{0,9}", after in "[a-zé ]{0,9}", gap in "[ ._/\u{a0}\u{2011}-]{0,2}") {
            let number = ["4242", "4242", "4242", "4242"].join(&gap);
            let text = format!("{before}{number}{after}");
            prop_assert!(contains_card_number(&text));
        }

        #[test]
        fn texts_without_thirteen_digits_hold_no_card_number(text in "[a-z0-9]{0,12}") {
            prop_assert!(!contains_card_number(&text));
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
            Some(CardError::Luhn)
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
    fn an_order_number_is_not_a_card_number() {
        assert!(!contains_card_number("Order #12345"));
        assert!(!contains_card_number("order 4242424242424241"));
        assert!(contains_card_number(
            "pays with 4242 4242 4242 4242, thanks"
        ));
        assert!(contains_card_number("7 4242-4242-4242-4242"));
    }
}
