//! The card worker's newest public key.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use store::PgPool;
use store::vault::{self, SealingKey};

use crate::error::ApiError;

/// How long a key is used before a newer one is looked for.
const USED: Duration = Duration::from_mins(1);

/// The newest public key, looked up once a minute.
pub struct Keys {
    db: PgPool,
    newest: RwLock<Option<(Instant, SealingKey)>>,
}

impl Keys {
    pub fn new(db: PgPool) -> Self {
        Self {
            db,
            newest: RwLock::new(None),
        }
    }

    /// The key to seal to now.
    pub async fn newest(&self) -> Result<SealingKey, ApiError> {
        if let Some(key) = self.remembered() {
            return Ok(key);
        }
        let key = vault::newest_key(&self.db).await?.ok_or_else(|| {
            tracing::warn!("no sealing key: has the card worker ever run?");
            ApiError::Unavailable
        })?;
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        *newest = Some((Instant::now(), key.clone()));
        Ok(key)
    }

    /// Forgets a key that the card worker has destroyed.
    pub fn forget(&self) {
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn remembered(&self) -> Option<SealingKey> {
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner);
        let (since, key) = newest.as_ref()?;
        (since.elapsed() < USED).then(|| key.clone())
    }
}
