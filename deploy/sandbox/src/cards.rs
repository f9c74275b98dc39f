//! The test cards: the card's number decides what the acquirer does. Valid numbers that are not in
//! the table are approved.
//!
//! In the numbers of faults, the digit after `40000000000` is the group: `1` delays, `2` late
//! approvals, `3` connections, `4` responses, `6` captures, `7` refunds. A fault affects only the
//! first response for a reference; a repeated request receives the true result. All times are at
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
    /// Not because of the card: the reference was voided.
    Voided,
}

/// A deviation from a plain approval. The names are part of the log format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// Processing for 3 s, then approved.
    Slow,
    /// Processing for 12 s, then approved.
    VerySlow,
    /// Approved at once, but no response; the connection closes after 60 s.
    Silent,
    /// The first attempt of a payment is unknown for 12 s, then approved, or declined if it was
    /// voided meanwhile.
    Late,
    /// Like `Late`, but approved even if it was voided.
    LateDespiteVoid,
    /// The first attempt of a payment is not processed, and its connection is reset.
    ResetBefore,
    /// Approved, then the connection is reset.
    ResetAfter,
    /// Approved; the response is 200 with half of the JSON.
    #[serde(rename = "half_answer")]
    TruncatedResponse,
    /// Approved; the response is 500.
    ErrorAfter,
    /// The first attempt of a payment is not processed; the response is 503.
    UnavailableBefore,
    /// Approved; the response has another reference and amount.
    #[serde(rename = "strange_answer")]
    WrongResponse,
    /// Approved; the first capture succeeds, but its connection closes without a response.
    CaptureLost,
    /// Approved; every capture is rejected with 409, but a void succeeds.
    CaptureRefused,
    /// Approved and captured; every refund is rejected with 409.
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
    ("4000000000042004", Faulty(Fault::TruncatedResponse)),
    ("4000000000045007", Faulty(Fault::ErrorAfter)),
    ("4000000000045031", Faulty(Fault::UnavailableBefore)),
    ("4000000000046666", Faulty(Fault::WrongResponse)),
    ("4000000000060014", Faulty(Fault::CaptureLost)),
    ("4000000000064099", Faulty(Fault::CaptureRefused)),
    ("4000000000074098", Faulty(Fault::RefundRefused)),
];

impl Fault {
    /// How long the authorization is pending; `None` if it is decided at once.
    pub(crate) fn delay(self) -> Option<Duration> {
        match self {
            Self::Slow => Some(Duration::from_secs(3)),
            Self::VerySlow | Self::Late | Self::LateDespiteVoid => Some(Duration::from_secs(12)),
            _ => None,
        }
    }

    /// Whether it affects only the first attempt of a payment. Later attempts are approved at once.
    pub(crate) fn first_attempt_only(self) -> bool {
        matches!(
            self,
            Self::Late | Self::LateDespiteVoid | Self::ResetBefore | Self::UnavailableBefore
        )
    }

    /// Whether the request is ignored without a record.
    pub(crate) fn skips_processing(self) -> bool {
        matches!(self, Self::ResetBefore | Self::UnavailableBefore)
    }

    /// Whether an enquiry reports a pending authorization, as processing.
    pub(crate) fn shows_processing(self) -> bool {
        matches!(self, Self::Slow | Self::VerySlow)
    }
}

/// A validated card. It has no number and no security code, so that no later code can log them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "CardFields")]
pub(crate) struct Card {
    pub(crate) last4: Last4,
    pub(crate) outcome: Outcome,
}

/// A card as received. It has no `Debug`, and no error quotes it.
#[derive(Deserialize)]
struct CardFields {
    number: String,
    exp_month: u8,
    exp_year: u16,
    cvc: String,
}

#[derive(Debug, thiserror::Error)]
#[error("not a card")]
pub(crate) struct CardError;

impl TryFrom<CardFields> for Card {
    type Error = CardError;

    fn try_from(card: CardFields) -> Result<Self, CardError> {
        let is_cvc_valid = matches!(card.cvc.len(), 3..=4) && is_digits(&card.cvc);
        let is_expiry_valid =
            matches!(card.exp_month, 1..=12) && matches!(card.exp_year, 2000..=2099);
        if !is_cvc_valid || !is_expiry_valid || !is_card_number(&card.number) {
            return Err(CardError);
        }
        let last4 = card.number.get(card.number.len() - 4..).ok_or(CardError)?;
        Ok(Self {
            last4: last4.to_owned().try_into()?,
            outcome: outcome(&card.number),
        })
    }
}

/// The last four digits of a card number, the only part that is stored.
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

/// Checks only the length and the Luhn digit: this acquirer accepts any brand.
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
    use std::collections::BTreeSet;

    use super::*;

    fn fields(number: &str) -> CardFields {
        CardFields {
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
    fn the_guide_lists_every_card_in_the_table() {
        let lines = include_str!("../../../api/docs/test-cards.md").lines();
        let cells = lines.filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
        let listed: BTreeSet<String> = cells
            .map(|cell| cell.replace(' ', ""))
            .filter(|number| number.starts_with('4'))
            .collect();
        let table = TABLE.iter().map(|(number, _)| (*number).to_owned());
        assert_eq!(listed, table.collect());
    }

    #[test]
    fn an_unlisted_card_is_approved_and_reduced_to_its_last_four_digits() -> Result<(), CardError> {
        let card = Card::try_from(fields("5555555555554444"))?;
        assert_eq!(card.outcome, Approve);
        assert_eq!(String::from(card.last4), "4444");
        assert_eq!(
            String::from(Card::try_from(fields("4000000000000002"))?.last4),
            "0002"
        );
        Ok(())
    }

    #[test]
    fn invalid_cards_are_rejected() {
        for number in [
            "",
            "4242",
            "4242424242424241",
            "4242 4242 4242 4242",
            "424242424242424२",
        ] {
            assert!(Card::try_from(fields(number)).is_err(), "{number}");
        }
        assert!(
            Card::try_from(CardFields {
                exp_month: 13,
                ..fields("4242424242424242")
            })
            .is_err()
        );
        let cvc = "12a".to_owned();
        assert!(
            Card::try_from(CardFields {
                cvc,
                ..fields("4242424242424242")
            })
            .is_err()
        );
    }
}
