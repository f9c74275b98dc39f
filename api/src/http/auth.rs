//! Authentication: identifies the merchant by the API key or access token of a request. Each
//! surface may send the same key in a different header or scheme.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::merchant;
use sha2::{Digest, Sha256};
use store::PgPool;
use store::merchants::{self, Principal, TokenStatus};
use zeroize::Zeroizing;

use crate::error::ApiError;

/// How long a looked-up key is cached, and so how long a revoked or expired one may be accepted.
const CACHED_FOR: Duration = Duration::from_secs(5);
/// The cache's capacity; a full cache is cleared.
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

/// Looks up keys and tokens, and caches them by their SHA-256 hash.
#[derive(Default)]
pub struct Authenticator(Mutex<HashMap<[u8; 32], (Instant, Principal)>>);

impl Authenticator {
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
        let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        if let Some(principal) = self.remembered(&hash) {
            return Ok(principal);
        }
        // Malformed keys never reach the database.
        let principal = if merchant::mode_of(key).is_some() {
            merchants::principal_by_key(db, key).await?
        } else if merchant::is_access_token(key) {
            match merchants::principal_by_token(db, key).await? {
                TokenStatus::Principal(principal) => Some(principal),
                TokenStatus::Expired => return Err(ApiError::TokenExpired),
                TokenStatus::OutOfScope => return Err(ApiError::ScopeMissing),
                TokenStatus::Unknown => None,
            }
        } else {
            None
        };
        let principal = principal.ok_or(ApiError::KeyInvalid)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEYS_MAX {
            known.clear();
        }
        known.insert(hash, (Instant::now(), principal));
        Ok(principal)
    }

    fn remembered(&self, hash: &[u8; 32]) -> Option<Principal> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, principal) = known.get(hash)?;
        (since.elapsed() < CACHED_FOR).then_some(*principal)
    }
}
