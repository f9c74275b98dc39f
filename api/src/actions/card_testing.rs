//! Limits the cards that a client address tries on public routes, where no key is needed.

use std::net::IpAddr;
use std::time::Duration;

use domain::card::Card;
use domain::id::MerchantId;
use domain::merchant::Mode;
use domain::risk::{self, ADDRESS_BLOCK, BIN_BLOCK, Counts, Verdict};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::risk::{By, Tried, Try};
use tokio::time::{Instant, sleep_until};

use crate::App;
use crate::error::ApiError;
use crate::http::anonymous;

/// A try that was admitted.
pub struct Admitted {
    /// By the client's address, and by the card's first digits.
    tries: [Try; 2],
    at: Instant,
    is_suspected: bool,
    /// Whether an operator blocks the client's network: the card must be refused like one that is declined.
    pub is_listed: bool,
}

/// Counts a card that an address is about to try at a merchant. Rejects it if the address, the merchant or
/// cards with these first digits are blocked, or if this try is one too many.
pub async fn admit(
    app: &App,
    from: IpAddr,
    card: &Card,
    merchant_id: MerchantId,
    mode: Mode,
) -> Result<Admitted, ApiError> {
    let at = Instant::now();
    let of = |by, key| Try {
        by,
        key,
        merchant_id,
        mode,
    };
    let tries = [
        of(By::Address, address_key(&app.idempotency_key, from)?),
        of(By::Bin, bin_key(&app.idempotency_key, card)?),
    ];
    let [address, bin] = &tries;
    let (counted, is_listed) = tokio::join!(
        app.tries.run(address.clone()),
        store::risk::blocklist::has_address(&app.db, from),
    );
    let (counts, is_suspected) = admitted(counted?)?;
    if let Some(verdict) = risk::of_address(mode, counts) {
        store::risk::record_verdict(&app.db, address, verdict).await?;
        return Err(blocked_for(ADDRESS_BLOCK));
    }
    let is_listed = is_listed?;
    // Tries without an outcome would hide the declines of others.
    if !is_listed {
        let (of_bin, _) = admitted(app.tries.run(bin.clone()).await?)?;
        if let Some(verdict) = risk::of_bin(mode, of_bin) {
            store::risk::record_verdict(&app.db, bin, verdict).await?;
            return Err(blocked_for(BIN_BLOCK));
        }
    }
    Ok(Admitted {
        tries,
        at,
        is_suspected,
        is_listed,
    })
}

/// What was counted, and whether card testing is suspected at the merchant.
fn admitted(tried: Tried) -> Result<(Counts, bool), ApiError> {
    match tried {
        Tried::Counted {
            counts,
            is_suspected,
        } => Ok((counts, is_suspected)),
        Tried::Blocked(left) => Err(blocked_for(left)),
    }
}

impl Admitted {
    /// Counts the decline of the card.
    pub async fn count_decline(&self, app: &App) {
        let counted = store::risk::count_decline(&app.db, &self.tries).await;
        if let Err(error) = counted {
            tracing::warn!(%error, "a decline is not counted against card testing");
        }
    }

    /// Records a verdict on the intent or the client's network.
    pub async fn record(&self, app: &App, verdict: Verdict) {
        let [address, _] = &self.tries;
        let recorded = store::risk::record_verdict(&app.db, address, verdict).await;
        if let Err(error) = recorded {
            tracing::warn!(%error, "a verdict against card testing is not recorded");
        }
    }

    /// Waits until the answer may be sent, so that its time does not tell why a card was refused.
    pub async fn wait(&self, is_refused: bool) {
        sleep_until(self.at + risk::answer_time(is_refused, self.is_suspected)).await;
    }
}

/// The stored form of an address. The key is also that of request fingerprints; the prefix keeps the two
/// apart.
fn address_key(key: &[u8; 32], address: IpAddr) -> Result<Vec<u8>, ApiError> {
    let site = anonymous::site(address).to_be_bytes();
    keyed_hash(key, b"client address\0", &site)
}

/// The stored form of a card's first six digits: shorter, so that it is not taken for an address.
fn bin_key(key: &[u8; 32], card: &Card) -> Result<Vec<u8>, ApiError> {
    let mut hash = keyed_hash(key, b"first digits\0", card.bin(6).as_bytes())?;
    hash.truncate(16);
    Ok(hash)
}

fn keyed_hash(key: &[u8; 32], prefix: &[u8], value: &[u8]) -> Result<Vec<u8>, ApiError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|_| ApiError::internal("HMAC takes keys of any length"))?;
    mac.update(prefix);
    mac.update(value);
    Ok(mac.finalize().into_bytes().to_vec())
}

fn blocked_for(left: Duration) -> ApiError {
    let seconds = left.as_millis().div_ceil(1_000).max(1);
    ApiError::RateLimited(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_ipv4_address_or_a_64_of_ipv6() -> Result<(), std::net::AddrParseError> {
        let hash = |key: u8, address: &str| {
            let address: IpAddr = address.parse()?;
            Ok(address_key(&[key; 32], address).ok())
        };
        let one = hash(1, "2001:db8:0:1::1")?;
        assert_eq!(one.as_ref().map(Vec::len), Some(32));
        assert_eq!(one, hash(1, "2001:db8:0:1:ffff::2")?);
        assert_ne!(one, hash(1, "2001:db8:0:2::1")?);
        assert_ne!(one, hash(2, "2001:db8:0:1::1")?);
        assert_ne!(hash(1, "192.0.2.1")?, hash(1, "192.0.2.2")?);
        Ok(())
    }

    #[test]
    fn a_client_waits_at_least_until_the_block_ends() {
        for (left, seconds) in [(0, 1), (1_000, 1), (899_001, 900)] {
            let error = blocked_for(Duration::from_millis(left));
            assert!(matches!(error, ApiError::RateLimited(found) if found == seconds));
        }
    }
}
