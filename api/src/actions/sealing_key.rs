//! Caches the card worker's newest public key.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use store::PgPool;
use store::vault::{self, SealingKey};

use crate::error::ApiError;
use crate::single_flight::SingleFlight;

/// How long a key is used before the database is queried for a newer one.
const USED: Duration = Duration::from_mins(1);

/// The newest public key, looked up about once a minute.
pub struct Keys {
    db: PgPool,
    newest: RwLock<Option<(Instant, SealingKey)>>,
    reads: SingleFlight<(), Result<SealingKey, ApiError>>,
}

impl Keys {
    pub fn new(db: PgPool) -> Self {
        Self {
            db,
            newest: RwLock::new(None),
            reads: SingleFlight::default(),
        }
    }

    /// The key to seal cards to.
    pub async fn newest(&self) -> Result<SealingKey, ApiError> {
        if let Some(key) = self.remembered() {
            return Ok(key);
        }
        self.reads.run((), self.read()).await.into_inner()
    }

    async fn read(&self) -> Result<SealingKey, ApiError> {
        let key = vault::newest_key(&self.db).await?.ok_or_else(|| {
            tracing::warn!("no key to seal cards with: start the card worker, it creates one");
            ApiError::Unavailable
        })?;
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        *newest = Some((Instant::now(), key.clone()));
        Ok(key)
    }

    /// Drops the cached key. Call it when the card worker has destroyed that key.
    pub fn forget(&self) {
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn remembered(&self) -> Option<SealingKey> {
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner);
        let (since, key) = newest.as_ref()?;
        (since.elapsed() < USED).then(|| key.clone())
    }
}
