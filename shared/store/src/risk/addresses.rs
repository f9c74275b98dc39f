//! Cards that client addresses try on public routes.

use std::time::Duration;

use domain::id::MerchantId;
use domain::merchant::Mode;
use domain::risk::{ADDRESS_BLOCK, ADDRESS_WINDOW, Counts, MERCHANT_BLOCK, Rule, Verdict};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{stored, sum};
use crate::batch::Statement;
use crate::{Error, Result};

/// An address tries a card at a merchant.
#[derive(Debug, Clone)]
pub struct Try {
    /// Keyed hash of the address.
    pub address: Vec<u8>,
    /// The merchant to be paid.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
}

/// The outcome of a [`Try`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// Blocked for so long by an earlier verdict. The try was not counted.
    Blocked(Duration),
    /// The try was counted.
    Counted {
        /// What the address did in [`ADDRESS_WINDOW`], with this try.
        counts: Counts,
        /// Whether card testing is suspected at the merchant.
        is_suspected: bool,
    },
}

impl Statement for Try {
    type Row = Try;
    type Output = Tried;

    async fn run(db: &mut PgConnection, rows: &[Try]) -> Result<Vec<Option<Tried>>> {
        let addresses: Vec<Vec<u8>> = rows.iter().map(|row| row.address.clone()).collect();
        let merchants: Vec<Uuid> = rows.iter().map(|row| row.merchant_id.0).collect();
        let live: Vec<bool> = rows.iter().map(|row| row.mode.is_live()).collect();
        // The sums are those before the batch; within it, the tries of an address are numbered.
        let tried = sqlx::query!(
            r#"
            with asked as materialized (
                select ord, address, live,
                       public_cards_blocked_for(address, merchant_id, live, $4, $5, $6) as blocked_for,
                       merchant_is_suspected(merchant_id, live, $8, $6) as is_suspected
                from unnest($1::bytea[], $2::uuid[], $3::boolean[])
                     with ordinality as i(address, merchant_id, live, ord)
            ), admitted as materialized (
                select ord, address, live,
                       row_number() over (partition by address, live order by ord) as number
                from asked where blocked_for is null or blocked_for <= 0
            ), counted as (
                insert into address_attempts as a (address, live, minute, tries, declines)
                select address, live, date_trunc('minute', now()), count(*), 0
                from admitted group by address, live
                order by address, live
                on conflict (address, live, minute) do update set tries = a.tries + excluded.tries
            )
            select a.blocked_for, n.number, coalesce(w.tries, 0) as "tries!",
                   coalesce(w.declines, 0) as "declines!", a.is_suspected as "is_suspected!"
            from asked a
            left join admitted n on n.ord = a.ord
            cross join lateral (
                select sum(tries) as tries, sum(declines) as declines from address_attempts
                where address = a.address and live = a.live
                  and minute >= date_trunc('minute', now() - make_interval(secs => $7))) w
            order by a.ord
            "#,
            &addresses,
            &merchants,
            &live,
            Rule::Merchant.name(),
            ADDRESS_BLOCK.as_secs_f64(),
            MERCHANT_BLOCK.as_secs_f64(),
            ADDRESS_WINDOW.as_secs_f64(),
            Rule::MerchantSuspected.name(),
        )
        .fetch_all(db)
        .await?;
        let tried = tried.into_iter().map(|row| {
            Some(match row.number {
                None => Tried::Blocked(seconds(row.blocked_for)),
                Some(number) => Tried::Counted {
                    counts: Counts {
                        tries: sum(row.tries) + sum(number),
                        declines: sum(row.declines),
                    },
                    is_suspected: row.is_suspected,
                },
            })
        });
        Ok(tried.collect())
    }
}

fn seconds(seconds: Option<f64>) -> Duration {
    Duration::try_from_secs_f64(seconds.unwrap_or_default()).unwrap_or_default()
}

/// Counts the decline of a card that an address tried.
pub async fn count_decline(db: &PgPool, address: &[u8], mode: Mode) -> Result<()> {
    sqlx::query!(
        "insert into address_attempts as a (address, live, minute, tries, declines)
         values ($1, $2, date_trunc('minute', now()), 0, 1)
         on conflict (address, live, minute) do update set declines = a.declines + 1",
        address,
        mode.is_live(),
    )
    .execute(db)
    .await
    .map_err(Error::from)?;
    Ok(())
}

/// Records a verdict on a try at a merchant: one on its address blocks that for [`ADDRESS_BLOCK`].
pub async fn record_verdict(db: &PgPool, about: &Try, verdict: Verdict) -> Result<()> {
    let address = match verdict.rule {
        Rule::AddressTries | Rule::AddressDeclines => Some(&about.address),
        _ => None,
    };
    let mut tx = crate::begin(db, about.merchant_id, about.mode).await?;
    sqlx::query!(
        "insert into risk_verdicts (rule, merchant_id, live, address, tries, declines)
         values ($1, $2, $3, $4, $5, $6)",
        verdict.rule.name(),
        about.merchant_id.0,
        about.mode.is_live(),
        address,
        verdict.tries.map(stored),
        stored(verdict.declines),
    )
    .execute(&mut *tx)
    .await?;
    crate::commit(tx).await
}
