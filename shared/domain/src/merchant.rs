//! Merchants: modes, settings, and the form of their API keys and tokens.

use zeroize::Zeroizing;

/// The default fee in basis points (ten-thousandths) of the amount: 2.9 %.
pub const FEE_BASIS_POINTS_DEFAULT: u16 = 290;

/// Requests per minute and key if the merchant has no limit of its own (documented by paygate and
/// finfusion).
pub const RATE_LIMIT_DEFAULT: u32 = 100;

/// Requests per minute and live key on finternet, which documents a higher limit.
pub const RATE_LIMIT_LIVE_INTENTS: u32 = 1_000;

/// Test or live. Objects of one mode are invisible to keys of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Payments go to the sandbox acquirer.
    Test,
    /// Payments move real money.
    Live,
}

names!(Mode {
    Test = "test",
    Live = "live",
});

impl Mode {
    /// The column `live` of the database.
    pub const fn is_live(self) -> bool {
        matches!(self, Mode::Live)
    }

    /// The mode of a row with this column `live`.
    pub const fn of(live: bool) -> Self {
        if live { Mode::Live } else { Mode::Test }
    }
}

/// What an anonymous caller who knows an intent's id may read of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublicIntents {
    /// Everything that the merchant can read.
    Full,
    /// Without the merchant, the payout's destination and the metadata.
    Redacted,
}

names!(PublicIntents {
    Full = "full",
    Redacted = "redacted",
});

const TOKEN_PREFIX: &str = "at_";

/// Digits of the random part of a key: 256 bits in base62.
const SECRET_DIGITS: usize = 44;
/// Digits of the checksum: 32 bits in base62.
const CHECKSUM_DIGITS: usize = 6;

/// A secret API key, `sk_test_…` or `sk_live_…`: 256 random bits, and a checksum so that garbage is
/// rejected without a database query.
pub fn key(mode: Mode, random: &[u8; 32]) -> Zeroizing<String> {
    let prefix = format!("sk_{}_", mode.name());
    with_checksum(&prefix, random)
}

/// A client secret for the token endpoint, `cs_…`.
pub fn client_secret(random: &[u8; 32]) -> Zeroizing<String> {
    with_checksum("cs_", random)
}

/// An access token for the client credentials grant, `at_…`.
pub fn access_token(random: &[u8; 32]) -> Zeroizing<String> {
    with_checksum(TOKEN_PREFIX, random)
}

/// Whether `text` has the form of an access token and a valid checksum.
pub fn is_access_token(text: &str) -> bool {
    is_issued(TOKEN_PREFIX, text)
}

fn with_checksum(prefix: &str, random: &[u8; 32]) -> Zeroizing<String> {
    let (high, low) = random.split_at(16);
    let half = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0_u128, |n, byte| (n << 8) | u128::from(*byte))
    };
    let width = SECRET_DIGITS / 2;
    let secret = format!(
        "{:0>width$}{:0>width$}",
        base62::encode(half(high)),
        base62::encode(half(low))
    );
    let sum = checksum(prefix, &secret);
    Zeroizing::new(format!("{prefix}{secret}{sum}"))
}

fn checksum(prefix: &str, secret: &str) -> String {
    let sum = crc32fast::hash(format!("{prefix}{secret}").as_bytes());
    format!("{:0>CHECKSUM_DIGITS$}", base62::encode(sum))
}

/// The mode of a well-formed key; `None` if the form or the checksum is wrong.
pub fn mode_of(key: &str) -> Option<Mode> {
    let is_of = |mode: &Mode| is_issued(&format!("sk_{}_", mode.name()), key);
    Mode::ALL.into_iter().find(is_of)
}

/// Whether `text` is this prefix followed by a secret and its valid checksum.
fn is_issued(prefix: &str, text: &str) -> bool {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    let parts = digits.split_at_checked(SECRET_DIGITS);
    parts.is_some_and(|(secret, sum)| checksum(prefix, secret) == sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn issued_keys_are_recognized_and_altered_ones_are_not(random in any::<[u8; 32]>(), position in 8_usize..58) {
            for mode in Mode::ALL {
                let key = key(mode, &random);
                prop_assert_eq!(mode_of(&key), Some(mode));
                let mut altered = key.to_string().into_bytes();
                if let Some(byte) = altered.get_mut(position) {
                    *byte = if *byte == b'a' { b'b' } else { b'a' };
                }
                prop_assert_eq!(mode_of(&String::from_utf8(altered)?), None);
            }
        }

        #[test]
        fn any_text_is_parsed(text in "(sk_(test|live)_)?\\PC{0,60}") {
            let _ = mode_of(&text);
        }
    }
}
