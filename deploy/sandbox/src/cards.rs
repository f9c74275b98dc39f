//! The test cards: what the acquirer does is written in the card's number.
//!
//! | card | what happens |
//! |---|---|
//! | `4242424242424242` | approved, as is every number not listed that passes the Luhn check |
//! | `4000000000000002` | declined: `card_declined` |
//! | `4000000000009995` | declined: `insufficient_funds` |
//! | `4000000000000069` | declined: `expired_card` |
//! | `4000000000010035` | slow: `processing` for 3 s, then approved and answered |
//! | `4000000000010126` | very slow: the same with 12 s |
//! | `4000000000010605` | approved at once; the answer never comes, the connection closes after 60 s |
//! | `4000000000020125` | late: the first attempt of a payment leaves no trace for 12 s, then is approved, or refused if voided meanwhile |
//! | `4000000000021123` | late in spite of a void: as before, but approved even if voided meanwhile |
//! | `4000000000030017` | the first attempt of a payment: connection reset, nothing done |
//! | `4000000000030025` | approved, then the connection is reset |
//! | `4000000000042004` | approved, answered with 200 and half of the JSON |
//! | `4000000000045007` | approved, answered with 500 |
//! | `4000000000045031` | the first attempt of a payment: 503, nothing done |
//! | `4000000000046666` | approved, answered with another reference and amount |
//! | `4000000000060014` | approved; the first capture is done, its connection closes without an answer |
//! | `4000000000064099` | approved; every capture is refused with 409, voiding works |
//! | `4000000000074098` | approved and captured; every refund is refused with 409 |
//!
//! The digits say it: `1` time, `2` lateness, `3` connections, `4` answers,
//! `6` captures, `7` refunds. A fault bends the first answer to a reference only: the same
//! request again hears the truth. A payment's later attempts with a
//! first-attempt card are approved at once. All times are at
//! `SLUICE_SANDBOX_PACE_PERCENT=100`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a card's number makes the acquirer do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Approve,
    Decline(Decline),
    Fault(Fault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decline {
    CardDeclined,
    InsufficientFunds,
    ExpiredCard,
    /// Not the card's doing: the reference had been voided.
    Voided,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    Slow,
    VerySlow,
    Silent,
    Late,
    LateDespiteVoid,
    ResetBefore,
    ResetAfter,
    HalfAnswer,
    ErrorAfter,
    UnavailableBefore,
    StrangeAnswer,
    CaptureLost,
    CaptureRefused,
    RefundRefused,
}

use Outcome::{Approve, Decline as Declined, Fault as Faulty};

const TABLE: [(&str, Outcome); 18] = [
    ("4242424242424242", Approve),
    ("4000000000000002", Declined(Decline::CardDeclined)),
    ("4000000000009995", Declined(Decline::InsufficientFunds)),
    ("4000000000000069", Declined(Decline::ExpiredCard)),
    ("4000000000010035", Faulty(Fault::Slow)),
    ("4000000000010126", Faulty(Fault::VerySlow)),
    ("4000000000010605", Faulty(Fault::Silent)),
    ("4000000000020125", Faulty(Fault::Late)),
    ("4000000000021123", Faulty(Fault::LateDespiteVoid)),
    ("4000000000030017", Faulty(Fault::ResetBefore)),
    ("4000000000030025", Faulty(Fault::ResetAfter)),
    ("4000000000042004", Faulty(Fault::HalfAnswer)),
    ("4000000000045007", Faulty(Fault::ErrorAfter)),
    ("4000000000045031", Faulty(Fault::UnavailableBefore)),
    ("4000000000046666", Faulty(Fault::StrangeAnswer)),
    ("4000000000060014", Faulty(Fault::CaptureLost)),
    ("4000000000064099", Faulty(Fault::CaptureRefused)),
    ("4000000000074098", Faulty(Fault::RefundRefused)),
];

impl Fault {
    /// How long the acquirer thinks before it approves.
    pub(crate) fn delay(self) -> Option<Duration> {
        match self {
            Self::Slow => Some(Duration::from_secs(3)),
            Self::VerySlow | Self::Late | Self::LateDespiteVoid => Some(Duration::from_secs(12)),
            _ => None,
        }
    }

    /// Only a payment's first attempt meets these.
    pub(crate) fn first_attempt_only(self) -> bool {
        matches!(
            self,
            Self::Late | Self::LateDespiteVoid | Self::ResetBefore | Self::UnavailableBefore
        )
    }

    /// The request is answered (or not) without a trace in the books.
    pub(crate) fn does_nothing(self) -> bool {
        matches!(self, Self::ResetBefore | Self::UnavailableBefore)
    }

    /// An enquiry sees the authorization while the acquirer thinks.
    pub(crate) fn shows_processing(self) -> bool {
        matches!(self, Self::Slow | Self::VerySlow)
    }
}

/// A card after it was looked at: its number and CVC are already forgotten,
/// so nothing further in can write them down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Presented")]
pub(crate) struct Card {
    pub(crate) last4: Last4,
    pub(crate) outcome: Outcome,
}

/// A card as it came in. It has no `Debug`, and no error quotes it.
#[derive(Deserialize)]
struct Presented {
    number: String,
    exp_month: u8,
    exp_year: u16,
    cvc: String,
}

#[derive(Debug, thiserror::Error)]
#[error("not a card")]
pub(crate) struct CardError;

impl TryFrom<Presented> for Card {
    type Error = CardError;

    fn try_from(card: Presented) -> Result<Self, CardError> {
        let cvc_is_one = matches!(card.cvc.len(), 3..=4) && is_digits(&card.cvc);
        let expiry_is_one =
            matches!(card.exp_month, 1..=12) && matches!(card.exp_year, 2000..=2099);
        if !cvc_is_one || !expiry_is_one || !is_card_number(&card.number) {
            return Err(CardError);
        }
        let last4 = card.number.get(card.number.len() - 4..).ok_or(CardError)?;
        Ok(Self {
            last4: last4.to_owned().try_into()?,
            outcome: outcome(&card.number),
        })
    }
}

/// The last four digits of a card, all that is kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Last4(u16);

impl TryFrom<String> for Last4 {
    type Error = CardError;

    fn try_from(digits: String) -> Result<Self, CardError> {
        if digits.len() != 4 || !is_digits(&digits) {
            return Err(CardError);
        }
        digits.parse().map(Self).map_err(|_| CardError)
    }
}

impl From<Last4> for String {
    fn from(last4: Last4) -> Self {
        format!("{:04}", last4.0)
    }
}

fn outcome(number: &str) -> Outcome {
    TABLE
        .iter()
        .find(|(listed, _)| *listed == number)
        .map_or(Approve, |(_, outcome)| *outcome)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The Luhn check alone: `card-validate` also wants to know the brand, and
/// this acquirer takes cards of any.
fn is_card_number(number: &str) -> bool {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let digits = number.chars().rev().filter_map(|digit| digit.to_digit(10));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| {
            if place % 2 == 1 {
                doubled(digit)
            } else {
                digit
            }
        })
        .sum();
    matches!(number.len(), 12..=19) && is_digits(number) && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presented(number: &str) -> Presented {
        Presented {
            number: number.to_owned(),
            exp_month: 12,
            exp_year: 2030,
            cvc: "123".to_owned(),
        }
    }

    #[test]
    fn every_listed_number_passes_luhn_and_no_other_last_digit_does() {
        for (number, _) in TABLE {
            let body = number.get(..15).unwrap_or_default();
            let passing: Vec<String> = (0..10)
                .map(|digit| format!("{body}{digit}"))
                .filter(|number| is_card_number(number))
                .collect();
            assert_eq!(passing, [number]);
        }
    }

    #[test]
    fn the_page_of_the_module_lists_exactly_the_table() {
        let lines = include_str!("cards.rs").lines();
        let rows: Vec<&str> = lines.filter(|line| line.starts_with("//! | `4")).collect();
        assert_eq!(rows.len(), TABLE.len());
        for (row, (number, _)) in rows.iter().zip(TABLE) {
            assert!(row.starts_with(&format!("//! | `{number}` |")), "{row}");
        }
    }

    /// Merchants read it there, and in the API reference, which shows the README's own table.
    #[test]
    fn the_readme_lists_exactly_the_table() {
        let lines = include_str!("../../../README.md").lines();
        let rows = lines.filter_map(|line| line.strip_prefix("| 4")?.split(' ').next());
        let listed: Vec<String> = rows.map(|digits| format!("4{digits}")).collect();
        let table: Vec<String> = TABLE
            .iter()
            .map(|(number, _)| (*number).to_owned())
            .collect();
        let cards = listed.into_iter().filter(|digits| digits.len() == 16);
        assert_eq!(cards.collect::<Vec<_>>(), table);
    }

    #[test]
    fn an_unlisted_card_is_approved_and_only_its_last_digits_stay() -> Result<(), CardError> {
        let card = Card::try_from(presented("5555555555554444"))?;
        assert_eq!(card.outcome, Approve);
        assert_eq!(String::from(card.last4), "4444");
        assert_eq!(
            String::from(Card::try_from(presented("4000000000000002"))?.last4),
            "0002"
        );
        Ok(())
    }

    #[test]
    fn what_is_no_card_is_refused() {
        for number in [
            "",
            "4242",
            "4242424242424241",
            "4242 4242 4242 4242",
            "424242424242424२",
        ] {
            assert!(Card::try_from(presented(number)).is_err(), "{number}");
        }
        assert!(
            Card::try_from(Presented {
                exp_month: 13,
                ..presented("4242424242424242")
            })
            .is_err()
        );
        let cvc = "12a".to_owned();
        assert!(
            Card::try_from(Presented {
                cvc,
                ..presented("4242424242424242")
            })
            .is_err()
        );
    }
}
