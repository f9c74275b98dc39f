//! Finds card numbers in texts that are stored.

use zeroize::Zeroizing;

use super::{DIGITS_MAX, DIGITS_MIN, brand, identifiers};
use crate::unicode;

/// How many characters may separate two groups of digits: `"4242", "4242"` has four. Any space
/// counts as one.
const GAP_MAX: usize = 4;
/// The digits of a telephone number with its country code (ITU-T E.164).
const PHONE_DIGITS_MAX: usize = 15;
/// From this length on, groups of a card number may differ in length.
const GROUP_LONG: usize = 4;

/// Whether `text` contains what looks like a card number: digits of any script with the first
/// digits, the length and the check digit of a known brand.
///
/// They are one group, or groups of equal length whose last may be shorter (`4242 4242 …`), or
/// groups of at least four digits whose last may be shorter (`3782 822463 10005`), with one to
/// four characters between groups that are neither letters nor digits. Invisible characters are
/// ignored. Other groups may come before and after it: "order 7 4242 4242 …".
///
/// Not taken for cards: telephone numbers that begin with `+` or `00`, UUIDs, hashes in hexadecimal,
/// and IBANs.
pub fn contains_card_number(text: &str) -> bool {
    if text.chars().filter(|c| c.is_numeric()).count() < DIGITS_MIN {
        return false;
    }
    let mut characters = characters(text);
    identifiers::blank(&mut characters);
    runs(&characters).iter().any(Run::holds_card_number)
}

/// The characters that are seen, with all digits in ASCII and one character for any space.
fn characters(text: &str) -> Zeroizing<Vec<char>> {
    let seen = text.chars().filter(|c| !unicode::is_invisible(*c));
    let plain = seen.map(|c| {
        let digit = unicode::digit(c).and_then(|value| char::from_digit(value, 10));
        digit.unwrap_or(c)
    });
    let mut plain: Zeroizing<Vec<_>> = Zeroizing::new(plain.collect());
    plain.dedup_by(|one, before| one.is_whitespace() && before.is_whitespace());
    plain
}

/// Groups of digits with little between them.
#[derive(Default)]
struct Run {
    digits: Zeroizing<String>,
    groups: Vec<usize>,
    follows_plus: bool,
}

fn runs(characters: &[char]) -> Vec<Run> {
    let (mut runs, mut run, mut gap) = (Vec::new(), Run::default(), 0);
    for character in characters {
        let ends = match character {
            '0'..='9' => {
                run.push(*character, gap > 0);
                gap = 0;
                continue;
            }
            // Directly after a digit, a plus is the space of an encoded form: 4242+4242.
            '+' => gap > 0 || run.groups.is_empty(),
            other => other.is_alphanumeric() || gap == GAP_MAX,
        };
        gap += 1;
        if ends {
            let follows_plus = *character == '+';
            let next = Run {
                follows_plus,
                ..Run::default()
            };
            runs.push(std::mem::replace(&mut run, next));
            gap = 0;
        }
    }
    runs.push(run);
    runs
}

impl Run {
    fn push(&mut self, digit: char, is_after_gap: bool) {
        self.digits.push(digit);
        match self.groups.last_mut() {
            Some(length) if !is_after_gap => *length += 1,
            _ => self.groups.push(1),
        }
    }

    fn holds_card_number(&self) -> bool {
        !self.is_phone_number() && (0..self.groups.len()).any(|at| self.begins_card_number(at))
    }

    fn is_phone_number(&self) -> bool {
        let without_prefix = if self.follows_plus {
            Some(self.digits.as_str())
        } else {
            self.digits.strip_prefix("00")
        };
        without_prefix.is_some_and(|digits| digits.len() <= PHONE_DIGITS_MAX)
    }

    /// Whether a card number begins with the group at this index.
    fn begins_card_number(&self, at: usize) -> bool {
        let (before, groups) = self.groups.split_at(at);
        let start: usize = before.iter().sum();
        let (mut length, groups) = (0, groups.get(..DIGITS_MAX).unwrap_or(groups));
        groups.iter().enumerate().any(|(last, group)| {
            length += group;
            let digits = self.digits.get(start..start + length);
            (DIGITS_MIN..=DIGITS_MAX).contains(&length)
                && groups.get(..=last).is_some_and(are_groups)
                && digits.is_some_and(is_card_number)
        })
    }
}

/// Whether a card number may be written in groups of these lengths.
fn are_groups(lengths: &[usize]) -> bool {
    let Some((last, others)) = lengths.split_last() else {
        return false;
    };
    let are_equal = others
        .iter()
        .all(|length| Some(length) == others.first() && length >= last);
    are_equal || others.iter().all(|length| *length >= GROUP_LONG)
}

fn is_card_number(digits: &str) -> bool {
    brand::has_length(digits) == Some(true) && brand::has_check_digit(digits)
}

#[cfg(test)]
mod tests;
