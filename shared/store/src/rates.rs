//! How much of each currency a dollar was worth, and when.

use std::collections::HashMap;

use domain::id::{MerchantId, PaymentId};
use domain::merchant::Mode;
use domain::money::Currency;
use rust_decimal::Decimal;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Error, Result};

/// A rate from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The currency.
    pub currency: Currency,
    /// How much of it a dollar is worth: more than zero, at most 12 decimals.
    pub per_usd: Decimal,
    /// From when on.
    pub as_of: OffsetDateTime,
}

/// Writes a rate that counts from now on; returns when that is.
///
/// # Errors
/// If it is out of range, or the database cannot.
pub async fn set(db: &PgPool, currency: Currency, per_usd: Decimal) -> Result<OffsetDateTime> {
    let as_of = sqlx::query_scalar!(
        "insert into rates (currency, per_usd) values ($1, $2) returning as_of",
        currency.code(),
        per_usd,
    )
    .fetch_one(db)
    .await?;
    Ok(as_of)
}

/// The rates that count now, by currency.
pub async fn list(db: &PgPool) -> Result<Vec<Rate>> {
    let rows = sqlx::query!(
        "select distinct on (currency) currency, per_usd, as_of from rates
         order by currency, as_of desc"
    )
    .fetch_all(db)
    .await?;
    let rates = rows.into_iter().map(|row| {
        Some(Rate {
            currency: Currency::parse(&row.currency)?,
            per_usd: row.per_usd,
            as_of: row.as_of,
        })
    });
    let unreadable = Error::Unreadable { table: "rates" };
    rates.collect::<Option<_>>().ok_or(unreadable)
}

/// The rates that counted when a payment was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RatesAt {
    /// How much of the asked currency a dollar was worth, if that was known.
    pub local_per_usd: Option<Decimal>,
    /// How much of the payment's currency a dollar was worth, if that was known.
    pub original_per_usd: Option<Decimal>,
}

/// The rates that counted when these payments of a merchant were made: of `local`, and of each one's currency.
pub async fn at(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    local: Currency,
    payments: &[PaymentId],
) -> Result<HashMap<PaymentId, RatesAt>> {
    let ids: Vec<Uuid> = payments.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        "select p.id,
                (select r.per_usd from rates r
                 where r.currency = $2 and r.as_of <= p.created_at
                 order by r.as_of desc limit 1) as local_per_usd,
                (select r.per_usd from rates r
                 where r.currency = p.currency and r.as_of <= p.created_at
                 order by r.as_of desc limit 1) as original_per_usd
         from payments p
         where p.id = any($1) and p.merchant_id = $3 and p.live = $4 and (select act_for($3, $4))",
        &ids,
        local.code(),
        merchant.0,
        mode.is_live(),
    )
    .fetch_all(db)
    .await?;
    let rates = rows.into_iter().map(|row| {
        let then = RatesAt {
            local_per_usd: row.local_per_usd,
            original_per_usd: row.original_per_usd,
        };
        (PaymentId(row.id), then)
    });
    Ok(rates.collect())
}
