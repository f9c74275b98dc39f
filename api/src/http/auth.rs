//! Authentication: identifies the merchant by the API key or access token of a request. Each
//! surface may send the same key in a different header or scheme.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::merchant;
use sha2::{Digest, Sha256};
use store::PgPool;
use store::merchants::{self, CredentialStatus, Principal};
use zeroize::Zeroizing;

use crate::error::ApiError;
use crate::single_flight::SingleFlight;

/// How long a looked-up key is cached, and so how long a revoked or expired one, or one of a disabled
/// merchant, may be accepted.
const CACHED_FOR: Duration = Duration::from_secs(5);
/// How long a refused key is not looked up again. A key is random, so none is sent before it exists.
const REFUSED_FOR: Duration = Duration::from_mins(1);
/// The capacity of each cache; a full cache is cleared.
const KEYS_MAX: usize = 10_000;

/// The kind of credential in a request; distinguishes surfaces that share a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`, with the key as the user name.
    Basic,
    /// `Authorization: Api-Key`.
    ApiKey,
    /// `Authorization` with another scheme.
    Other,
    /// `X-API-Key` without `Authorization`.
    KeyHeader,
    /// Neither header.
    None,
}

/// The kind of credential; `Authorization` takes precedence over `X-API-Key`.
pub fn credential(headers: &HeaderMap) -> Credential {
    let Some(value) = headers.get(AUTHORIZATION) else {
        let has_key = headers.contains_key("x-api-key");
        return if has_key {
            Credential::KeyHeader
        } else {
            Credential::None
        };
    };
    let scheme = value.to_str().unwrap_or_default().split(' ').next();
    match scheme.unwrap_or_default().to_ascii_lowercase().as_str() {
        "bearer" => Credential::Bearer,
        "basic" => Credential::Basic,
        "api-key" => Credential::ApiKey,
        _ => Credential::Other,
    }
}

/// The keys in a request, at most one per header. Empty keys are ignored.
fn keys(headers: &HeaderMap) -> Result<Vec<Zeroizing<String>>, ApiError> {
    let mut keys = Vec::new();
    if let Some(value) = headers.get("x-api-key") {
        let key = value.to_str().map_err(|_| ApiError::KeyInvalid)?;
        keys.push(Zeroizing::new(key.trim().to_owned()));
    }
    if let Some(value) = headers.get(AUTHORIZATION) {
        let text = value.to_str().map_err(|_| ApiError::KeyInvalid)?;
        let (_, rest) = text.split_once(' ').unwrap_or_default();
        match credential(headers) {
            Credential::Bearer | Credential::ApiKey => {
                keys.push(Zeroizing::new(rest.trim().to_owned()));
            }
            Credential::Basic => keys.push(user_name(rest.trim())?),
            Credential::Other | Credential::KeyHeader | Credential::None => {}
        }
    }
    keys.retain(|key| !key.is_empty());
    if keys.is_empty() {
        return Err(ApiError::KeyMissing);
    }
    Ok(keys)
}

/// The user name of Basic credentials. The colon is required; the password is ignored.
fn user_name(encoded: &str) -> Result<Zeroizing<String>, ApiError> {
    let bytes = Zeroizing::new(BASE64.decode(encoded).map_err(|_| ApiError::KeyInvalid)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| ApiError::KeyInvalid)?;
    let (user, _) = text.split_once(':').ok_or(ApiError::KeyInvalid)?;
    Ok(Zeroizing::new(user.to_owned()))
}

/// Looks up keys and tokens, and caches what was found by their SHA-256 hash.
#[derive(Default)]
pub struct Authenticator {
    /// Two caches, so that refused keys do not displace existing ones. A disabled merchant's keys exist,
    /// and are soon looked up again.
    existing: Cache<Result<Principal, ApiError>>,
    refused: Cache<ApiError>,
    lookups: SingleFlight<[u8; 32], Result<Principal, ApiError>>,
}

impl Authenticator {
    /// Whether this request is the first to look up a key that could be valid, but is not known to
    /// have been. A key that was valid before is looked up again from time to time; this does not
    /// count.
    pub fn must_look_up(&self, headers: &HeaderMap) -> bool {
        let must_look_up = |key: &Zeroizing<String>| {
            let hash = hash(key);
            let is_known = self.existing.has(&hash)
                || self.refused.get(&hash, REFUSED_FOR).is_some()
                || self.lookups.is_running(&hash);
            !is_known && (merchant::mode_of(key).is_some() || merchant::is_access_token(key))
        };
        keys(headers).is_ok_and(|keys| keys.iter().any(must_look_up))
    }

    /// The request's principal. Keys in two headers must have the same merchant and mode.
    pub async fn identify(&self, db: &PgPool, headers: &HeaderMap) -> Result<Principal, ApiError> {
        let mut found: Option<Principal> = None;
        for key in keys(headers)? {
            let principal = self.holder(db, &key).await?;
            let is_same = |other: Principal| {
                (other.merchant_id, other.mode) == (principal.merchant_id, principal.mode)
            };
            if !found.is_none_or(is_same) {
                return Err(ApiError::KeyInvalid);
            }
            found = found.or(Some(principal));
        }
        found.ok_or(ApiError::KeyMissing)
    }

    async fn holder(&self, db: &PgPool, key: &str) -> Result<Principal, ApiError> {
        let hash = hash(key);
        if let Some(found) = self.existing.get(&hash, CACHED_FOR) {
            return found;
        }
        if let Some(refused) = self.refused.get(&hash, REFUSED_FOR) {
            return Err(refused);
        }
        let found = self.lookups.run(hash, look_up(db, key)).await.into_inner();
        match &found {
            Ok(_) | Err(ApiError::MerchantDisabled) => self.existing.put(hash, found.clone()),
            Err(refused) if refused.is_about_the_key() => {
                self.existing.remove(&hash);
                self.refused.put(hash, refused.clone());
            }
            Err(_) => {}
        }
        found
    }
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// Malformed keys never reach the database.
async fn look_up(db: &PgPool, key: &str) -> Result<Principal, ApiError> {
    let status = if merchant::mode_of(key).is_some() {
        merchants::principal_by_key(db, key).await?
    } else if merchant::is_access_token(key) {
        merchants::principal_by_token(db, key).await?
    } else {
        CredentialStatus::Unknown
    };
    match status {
        CredentialStatus::Principal(principal) => Ok(principal),
        CredentialStatus::Disabled => Err(ApiError::MerchantDisabled),
        CredentialStatus::Expired => Err(ApiError::TokenExpired),
        CredentialStatus::OutOfScope => Err(ApiError::ScopeMissing),
        CredentialStatus::Unknown => Err(ApiError::KeyInvalid),
    }
}

/// What was found for keys, by their hash, and when.
struct Cache<T>(Mutex<HashMap<[u8; 32], (Instant, T)>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Cache<T> {
    fn get(&self, hash: &[u8; 32], age: Duration) -> Option<T> {
        let entries = self.entries();
        let (since, found) = entries.get(hash)?;
        (since.elapsed() < age).then(|| found.clone())
    }

    /// Whether the key has an entry of any age.
    fn has(&self, hash: &[u8; 32]) -> bool {
        self.entries().contains_key(hash)
    }

    fn put(&self, hash: [u8; 32], found: T) {
        let mut entries = self.entries();
        if entries.len() >= KEYS_MAX {
            entries.clear();
        }
        entries.insert(hash, (Instant::now(), found));
    }

    fn remove(&self, hash: &[u8; 32]) {
        self.entries().remove(hash);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<[u8; 32], (Instant, T)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
