//! What operators block.

use std::net::IpAddr;

use domain::id::PaymentId;
use domain::risk::Listed;
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::{Error, Result};

/// The most entries, so that reading them stays cheap.
const ENTRIES_MAX: i64 = 100_000;

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: i64,
    /// What it blocks.
    pub kind: Listed,
    /// A fingerprint in hex, first digits of cards, an e-mail address in lower case, or a network.
    pub value: String,
    /// Why.
    pub reason: Option<String>,
    /// Since when.
    pub created_at: OffsetDateTime,
}

/// Adds an entry. `None` if the value is listed already, or the list is full.
pub async fn add(
    db: &PgPool,
    kind: Listed,
    value: &str,
    reason: Option<&str>,
) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "insert into blocklist (kind, value, reason)
         select $1::text, $2::text, $3::text
         where (select count(*) from blocklist where removed_at is null) < $4
         on conflict (kind, value) where removed_at is null do nothing
         returning id",
        kind.name(),
        value,
        reason,
        ENTRIES_MAX,
    )
    .fetch_optional(db)
    .await?;
    Ok(id)
}

/// The fingerprint of the card that a payment was tried with, in hex; `None` if it had none.
pub async fn fingerprint(db: &PgPool, payment: PaymentId) -> Result<Option<String>> {
    let found = sqlx::query_scalar!(
        "select encode(card_fingerprint, 'hex') from payments where id = $1",
        payment.0
    )
    .fetch_optional(db)
    .await?;
    Ok(found.flatten())
}

/// Removes an entry; `false` if there is none with this number.
pub async fn remove(db: &PgPool, id: i64) -> Result<bool> {
    let removed = sqlx::query!(
        "update blocklist set removed_at = now() where id = $1 and removed_at is null",
        id
    )
    .execute(db)
    .await?;
    Ok(removed.rows_affected() == 1)
}

/// The newest entries, at most `limit`.
pub async fn list(db: &PgPool, limit: i64) -> Result<Vec<Entry>> {
    let rows = sqlx::query!(
        "select id, kind, value, reason, created_at from blocklist where removed_at is null
         order by id desc limit $1",
        limit,
    )
    .fetch_all(db)
    .await?;
    let entries = rows.into_iter().map(|row| {
        Ok(Entry {
            id: row.id,
            kind: Listed::parse(&row.kind).ok_or(Error::Unreadable { table: "blocklist" })?,
            value: row.value,
            reason: row.reason,
            created_at: row.created_at,
        })
    });
    entries.collect()
}

/// Whether a client address is in a blocked network.
pub async fn has_address(db: &PgPool, client: IpAddr) -> Result<bool> {
    let is_listed = sqlx::query_scalar!(
        r#"select address_is_listed($1::text::inet) as "is_listed!""#,
        client.to_string()
    )
    .fetch_one(db)
    .await?;
    Ok(is_listed)
}
