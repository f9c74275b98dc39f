//! Answers kept for repeated requests.

use domain::id::MerchantId;
use domain::merchant::Mode;
use sqlx::PgPool;

use crate::Result;
use crate::accept::{Answer, answer_of};

/// Keeps the answer to the request with this key unless one is kept already, and returns the one
/// that counts: the first writer wins.
///
/// # Errors
/// If the database cannot.
pub async fn keep_answer(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    key: &str,
    answer: Answer,
) -> Result<Answer> {
    let kept = sqlx::query!(
        "update idempotency_keys
         set status = coalesce(status, $4), body = coalesce(body, $5)
         where merchant_id = $1 and live = $2 and key = $3
         returning status, body",
        merchant.0,
        mode.is_live(),
        key,
        i16::try_from(answer.status).unwrap_or(200),
        answer.body,
    )
    .fetch_optional(db)
    .await?;
    Ok(kept
        .and_then(|row| answer_of(row.status, row.body))
        .unwrap_or(answer))
}

/// How many keys are forgotten at once.
pub const FORGOTTEN_MAX: u64 = 1_000;

/// Deletes up to [`FORGOTTEN_MAX`] keys past their 24 hours; returns how many.
///
/// # Errors
/// If the database cannot.
pub async fn forget_stale(db: &PgPool) -> Result<u64> {
    let gone = sqlx::query!(
        "delete from idempotency_keys where ctid in (
             select ctid from idempotency_keys
             where created_at < now() - interval '24 hours' limit 1000)"
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected())
}
