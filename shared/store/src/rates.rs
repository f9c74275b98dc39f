//! Exchange rates to the US dollar over time.

use std::collections::HashMap;

use domain::id::{MerchantId, PaymentId};
use domain::merchant::Mode;
use domain::money::Currency;
use rust_decimal::Decimal;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Error, Result};

/// An exchange rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The currency.
    pub currency: Currency,
    /// Units of the currency per US dollar: more than zero, at most 12 decimals.
    pub per_usd: Decimal,
    /// When the rate takes effect.
    pub as_of: OffsetDateTime,
}

/// Sets a currency's rate from now on; returns the time by the database's clock. Fails if the rate is out
/// of range.
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

/// The current rate of each currency.
pub async fn list(db: &PgPool) -> Result<Vec<Rate>> {
    let rows = sqlx::query!(
        "select distinct on (currency) currency, per_usd, as_of from rates
         order by currency, as_of desc"
    )
    .fetch_all(db)
    .await?;
    let rates = rows.into_iter().map(|row| {
        Some(Rate {
            currency: Currency::parse_stored(&row.currency)?,
            per_usd: row.per_usd,
            as_of: row.as_of,
        })
    });
    let unreadable = Error::Unreadable { table: "rates" };
    rates.collect::<Option<_>>().ok_or(unreadable)
}

/// The exchange rates at the time of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RatesAt {
    /// Units of the requested currency per US dollar, if a rate existed.
    pub local_per_usd: Option<Decimal>,
    /// Units of the payment's currency per US dollar, if a rate existed.
    pub original_per_usd: Option<Decimal>,
}

/// The rates of `local` and of each payment's own currency, at the time that each of these payments of a
/// merchant was created.
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
