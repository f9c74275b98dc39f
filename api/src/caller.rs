//! Who calls.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderValue;
use domain::merchant;
use sha2::{Digest, Sha256};
use store::PgPool;
use store::merchants::{self, Caller};

use crate::refused::Refused;

/// How long a key is believed after it was looked up: what a revoked one still lives.
const BELIEVED: Duration = Duration::from_secs(5);
/// How many keys are remembered.
const KEYS_MAX: usize = 10_000;

/// Keys that were looked up just now, by their hash.
#[derive(Default)]
pub struct Callers(Mutex<HashMap<[u8; 32], (Instant, Caller)>>);

/// The key of an `Authorization: Bearer` header.
pub fn bearer(header: Option<&HeaderValue>) -> Result<&str, Refused> {
    let header = header.ok_or(Refused::KeyMissing)?;
    let text = header.to_str().map_err(|_| Refused::KeyInvalid)?;
    match text.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Ok(key.trim()),
        _ => Err(Refused::KeyMissing),
    }
}

impl Callers {
    /// Who holds this key.
    pub async fn identify(
        &self,
        db: &PgPool,
        key: Result<&str, Refused>,
    ) -> Result<Caller, Refused> {
        let key = key?;
        // Junk never reaches the database.
        if merchant::mode_of(key).is_none() {
            return Err(Refused::KeyInvalid);
        }
        let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        if let Some(caller) = self.remembered(&hash) {
            return Ok(caller);
        }
        let caller = merchants::caller(db, key)
            .await?
            .ok_or(Refused::KeyInvalid)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEYS_MAX {
            known.clear();
        }
        known.insert(hash, (Instant::now(), caller));
        Ok(caller)
    }

    fn remembered(&self, hash: &[u8; 32]) -> Option<Caller> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, caller) = known.get(hash)?;
        (since.elapsed() < BELIEVED).then_some(*caller)
    }
}
