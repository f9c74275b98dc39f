//! Idempotency keys and the stored responses that repeated requests receive.

use domain::id::MerchantId;
use domain::merchant::Mode;
use sqlx::PgPool;
use uuid::Uuid;

use crate::accept::{Key, StoredResponse, response_of};
use crate::{Error, Result, Tx, batch};

/// The earlier request that used a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// The object that the request created or acted on.
    pub subject: Uuid,
    /// The request's fingerprint.
    pub fingerprint: Vec<u8>,
    /// The response to it, if one is stored.
    pub response: Option<StoredResponse>,
    /// Whether the key is older than 24 hours and may be used again.
    pub stale: bool,
}

/// Takes a key for what this transaction does to `subject`; if a request of the last 24 hours used the
/// key, returns that one instead. A concurrent request with the same key waits at the insert for this
/// transaction's end, so only one of them acts.
pub async fn begin(
    tx: &mut Tx,
    merchant: MerchantId,
    mode: Mode,
    key: &Key,
    subject: Uuid,
) -> Result<Option<Existing>> {
    let taken = sqlx::query_scalar!(
        "insert into idempotency_keys as k (merchant_id, live, key, fingerprint, subject_id)
         values ($1, $2, $3, $4, $5)
         on conflict (merchant_id, live, key) do update
         set fingerprint = excluded.fingerprint, subject_id = excluded.subject_id, status = null,
             body = null, created_at = now()
         where k.created_at < now() - interval '24 hours'
         returning subject_id",
        merchant.0,
        mode.is_live(),
        key.key,
        key.fingerprint,
        subject,
    )
    .fetch_optional(&mut **tx)
    .await?;
    if taken.is_some() {
        return Ok(None);
    }
    let row = sqlx::query!(
        "select subject_id, fingerprint, status, body from idempotency_keys
         where merchant_id = $1 and live = $2 and key = $3",
        merchant.0,
        mode.is_live(),
        key.key,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(Some(Existing {
        subject: row.subject_id,
        fingerprint: row.fingerprint,
        response: response_of(row.status, row.body),
        stale: false,
    }))
}

/// Stores the response to the request that took this key in this transaction.
pub async fn store_response(
    tx: &mut Tx,
    merchant: MerchantId,
    mode: Mode,
    key: &str,
    response: &StoredResponse,
) -> Result<()> {
    sqlx::query!(
        "update idempotency_keys set status = $4, body = $5
         where merchant_id = $1 and live = $2 and key = $3",
        merchant.0,
        mode.is_live(),
        key,
        i16::try_from(response.status).unwrap_or(200),
        response.body,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Stores the response to the request with this key unless one is stored already. Returns the stored
/// one, so that all repeats receive the same response: the first writer wins.
pub async fn store_first_response(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    key: &str,
    response: StoredResponse,
) -> Result<StoredResponse> {
    // The pool's connections may have broken while the request waited for its payment. A retry is
    // harmless: a stored response is never overwritten.
    for _ in 1..batch::TRIES {
        match first_stored(db, merchant, mode, key, &response).await {
            Err(Error::Database(error)) if batch::may_rerun(&error) => {}
            stored => return Ok(stored?.unwrap_or(response)),
        }
    }
    let stored = first_stored(db, merchant, mode, key, &response).await?;
    Ok(stored.unwrap_or(response))
}

async fn first_stored(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    key: &str,
    response: &StoredResponse,
) -> Result<Option<StoredResponse>> {
    let stored = sqlx::query!(
        "update idempotency_keys
         set status = coalesce(status, $4), body = coalesce(body, $5)
         where merchant_id = $1 and live = $2 and (select act_for($1, $2)) and key = $3
         returning status, body",
        merchant.0,
        mode.is_live(),
        key,
        i16::try_from(response.status).unwrap_or(200),
        response.body,
    )
    .fetch_optional(db)
    .await?;
    Ok(stored.and_then(|row| response_of(row.status, row.body)))
}

/// Deletes a key that is older than 24 hours, so that it may be used again.
pub async fn delete_expired_key(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    key: &str,
) -> Result<()> {
    sqlx::query!(
        "delete from idempotency_keys
         where merchant_id = $1 and live = $2 and (select act_for($1, $2)) and key = $3
           and created_at < now() - interval '24 hours'",
        merchant.0,
        mode.is_live(),
        key
    )
    .execute(db)
    .await?;
    Ok(())
}
