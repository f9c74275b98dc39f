//! Identifiers that have many digits and are no cards.

use uuid::Uuid;

/// Length of a UUID with its hyphens.
const UUID_LENGTH: usize = 36;
/// Shortest word of hexadecimal digits that is an identifier, and how often letters and digits
/// take turns in it at least.
const HASH_LENGTH_MIN: usize = 24;
const HASH_TURNS_MIN: usize = 4;
/// Shortest and longest IBAN (ISO 13616), without its spaces.
const IBAN_LENGTH_MIN: usize = 15;
const IBAN_LENGTH_MAX: usize = 34;

/// Overwrites UUIDs, hashes in hexadecimal and IBANs with letters.
pub(super) fn blank(characters: &mut [char]) {
    let (mut at, mut before) = (0, None);
    while let Some(rest) = characters.get_mut(at..).filter(|rest| !rest.is_empty()) {
        let length = uuid(before, rest)
            .or_else(|| hash(before, rest))
            .or_else(|| iban(before, rest))
            .unwrap_or_default();
        for character in rest.iter_mut().take(length) {
            *character = 'x';
        }
        at += length.max(1);
        before = at.checked_sub(1).and_then(|at| characters.get(at)).copied();
    }
}

/// The length of the UUID that `rest` begins with.
fn uuid(before: Option<char>, rest: &[char]) -> Option<usize> {
    let (text, after) = rest.split_at_checked(UUID_LENGTH)?;
    let is_part = |next: Option<&char>| next.is_some_and(char::is_ascii_hexdigit);
    let stands_alone = !is_part(before.as_ref()) && !is_part(after.first());
    let is_uuid = || Uuid::try_parse(&text.iter().collect::<String>()).is_ok();
    (text.get(8) == Some(&'-') && stands_alone && is_uuid()).then_some(UUID_LENGTH)
}

/// The length of the hexadecimal hash or key that `rest` begins with.
fn hash(before: Option<char>, rest: &[char]) -> Option<usize> {
    if before.is_some_and(|before| before.is_ascii_hexdigit()) {
        return None;
    }
    let length = rest.iter().take_while(|c| c.is_ascii_hexdigit()).count();
    let word = rest.get(..length).filter(|_| length >= HASH_LENGTH_MIN)?;
    let kinds = word.iter().map(char::is_ascii_digit);
    let turns = kinds.clone().zip(kinds.skip(1)).filter(|(a, b)| a != b);
    (turns.count() >= HASH_TURNS_MIN).then_some(length)
}

/// The length of the IBAN that `rest` begins with: two capital letters, two digits, and more of
/// both, perhaps in groups with one character between them.
fn iban(before: Option<char>, rest: &[char]) -> Option<usize> {
    let is_country = rest.iter().take(2).all(char::is_ascii_uppercase);
    let has_check = rest.iter().skip(2).take(2).all(char::is_ascii_digit);
    if before.is_some_and(char::is_alphanumeric) || !is_country || !has_check {
        return None;
    }
    let mut values = Vec::with_capacity(IBAN_LENGTH_MAX);
    let (mut is_gap, mut longest) = (false, None);
    for (at, character) in rest.iter().enumerate() {
        let Some(value) = character.to_digit(36) else {
            if is_gap || character.is_alphanumeric() {
                break;
            }
            is_gap = true;
            continue;
        };
        is_gap = false;
        values.push(value);
        let is_end = !rest.get(at + 1).is_some_and(|next| next.is_alphanumeric());
        if is_end && values.len() >= IBAN_LENGTH_MIN && has_check_digits(&values) {
            longest = Some(at + 1);
        }
        if values.len() == IBAN_LENGTH_MAX {
            break;
        }
    }
    longest
}

/// Whether the third and fourth of these digits of base 36 are the check digits of the others
/// (ISO/IEC 7064, MOD 97-10).
fn has_check_digits(values: &[u32]) -> bool {
    let (head, tail) = values.split_at_checked(4).unwrap_or_default();
    let remainder = tail.iter().chain(head).fold(0, |sum, value| {
        let shift = if *value > 9 { 100 } else { 10 };
        (sum * shift + value) % 97
    });
    remainder == 1
}
