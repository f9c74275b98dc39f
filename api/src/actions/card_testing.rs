//! Limits the cards that a client address tries on public routes, where no key is needed.

use std::net::IpAddr;
use std::time::Duration;

use domain::id::MerchantId;
use domain::merchant::Mode;
use domain::risk::{self, ADDRESS_BLOCK};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::risk::{Tried, Try};
use tokio::time::{Instant, sleep_until};

use crate::App;
use crate::error::ApiError;
use crate::http::anonymous;

/// A try that was admitted.
pub struct Admitted {
    tried: Try,
    at: Instant,
    is_suspected: bool,
}

/// Counts a card that an address is about to try at a merchant. Rejects it if the address or the merchant
/// is blocked, or if this try is one too many.
pub async fn admit(
    app: &App,
    from: IpAddr,
    merchant_id: MerchantId,
    mode: Mode,
) -> Result<Admitted, ApiError> {
    let at = Instant::now();
    let tried = Try {
        address: keyed_hash(&app.idempotency_key, from)?,
        merchant_id,
        mode,
    };
    let (counts, is_suspected) = match app.tries.run(tried.clone()).await? {
        Tried::Counted {
            counts,
            is_suspected,
        } => (counts, is_suspected),
        Tried::Blocked(left) => return Err(blocked_for(left)),
    };
    match risk::of_address(mode, counts) {
        None => Ok(Admitted {
            tried,
            at,
            is_suspected,
        }),
        Some(verdict) => {
            store::risk::record_verdict(&app.db, &tried, verdict).await?;
            Err(blocked_for(ADDRESS_BLOCK))
        }
    }
}

impl Admitted {
    /// Counts the decline of the card.
    pub async fn count_decline(&self, app: &App) {
        let Try { address, mode, .. } = &self.tried;
        let counted = store::risk::count_decline(&app.db, address, *mode).await;
        if let Err(error) = counted {
            tracing::warn!(%error, "a decline is not counted against card testing");
        }
    }

    /// Records that the intent takes no more cards.
    pub async fn record_too_many(&self, app: &App) {
        let recorded = store::risk::record_verdict(&app.db, &self.tried, risk::of_intent()).await;
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
fn keyed_hash(key: &[u8; 32], address: IpAddr) -> Result<Vec<u8>, ApiError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|_| ApiError::internal("HMAC takes keys of any length"))?;
    mac.update(b"client address\0");
    mac.update(&anonymous::site(address).to_be_bytes());
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
            Ok(keyed_hash(&[key; 32], address).ok())
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
