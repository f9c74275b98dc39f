//! Cards that are tried on public routes: by client addresses, and by their first digits.

use std::time::Duration;

use domain::id::MerchantId;
use domain::merchant::Mode;
use domain::risk::{
    ADDRESS_BLOCK, ADDRESS_WINDOW, BIN_BLOCK, BIN_WINDOW, Counts, MERCHANT_BLOCK, Rule, Verdict,
};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{stored, sum};
use crate::batch::Statement;
use crate::{Error, Result};

/// By what tries are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The client's address.
    Address,
    /// The card's first six digits.
    Bin,
}

impl By {
    const fn window(self) -> Duration {
        match self {
            By::Address => ADDRESS_WINDOW,
            By::Bin => BIN_WINDOW,
        }
    }

    const fn block(self) -> Duration {
        match self {
            By::Address => ADDRESS_BLOCK,
            By::Bin => BIN_BLOCK,
        }
    }
}

/// A card is tried at a merchant.
#[derive(Debug, Clone)]
pub struct Try {
    /// By what it is counted.
    pub by: By,
    /// Keyed hash of the address or the digits.
    pub key: Vec<u8>,
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
        /// What was tried in [`ADDRESS_WINDOW`] or [`BIN_WINDOW`], with this try.
        counts: Counts,
        /// Whether card testing is suspected at the merchant.
        is_suspected: bool,
    },
}

impl Statement for Try {
    type Row = Try;
    type Output = Tried;

    async fn run(db: &mut PgConnection, rows: &[Try]) -> Result<Vec<Option<Tried>>> {
        let seconds_of = |time: fn(By) -> Duration| -> Vec<f64> {
            rows.iter().map(|row| time(row.by).as_secs_f64()).collect()
        };
        let keys: Vec<Vec<u8>> = rows.iter().map(|row| row.key.clone()).collect();
        let merchants: Vec<Uuid> = rows.iter().map(|row| row.merchant_id.0).collect();
        let live: Vec<bool> = rows.iter().map(|row| row.mode.is_live()).collect();
        // The sums are those before the batch; within it, the tries of a key are numbered.
        let tried = sqlx::query!(
            r#"
            with asked as materialized (
                select ord, address, live, window_seconds,
                       public_cards_blocked_for(address, merchant_id, live, $4, block_seconds, $6) as blocked_for,
                       merchant_is_suspected(merchant_id, live, $8, $6) as is_suspected
                from unnest($1::bytea[], $2::uuid[], $3::boolean[], $5::float8[], $7::float8[])
                     with ordinality as i(address, merchant_id, live, block_seconds, window_seconds, ord)
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
                  and minute >= date_trunc('minute', now() - make_interval(secs => a.window_seconds))) w
            order by a.ord
            "#,
            &keys,
            &merchants,
            &live,
            Rule::Merchant.name(),
            &seconds_of(By::block),
            MERCHANT_BLOCK.as_secs_f64(),
            &seconds_of(By::window),
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

/// Counts the decline of a card that was tried, under each of its keys.
pub async fn count_decline(db: &PgPool, tries: &[Try]) -> Result<()> {
    let mut tries: Vec<_> = tries.iter().map(|one| (&one.key, one.mode)).collect();
    // In one order, or two requests could wait for each other.
    tries.sort_unstable_by_key(|(key, _)| *key);
    let keys: Vec<Vec<u8>> = tries.iter().map(|(key, _)| (*key).clone()).collect();
    let live: Vec<bool> = tries.iter().map(|(_, mode)| mode.is_live()).collect();
    sqlx::query!(
        "insert into address_attempts as a (address, live, minute, tries, declines)
         select address, live, date_trunc('minute', now()), 0, 1
         from unnest($1::bytea[], $2::boolean[]) as i(address, live)
         on conflict (address, live, minute) do update set declines = a.declines + 1",
        &keys,
        &live,
    )
    .execute(db)
    .await
    .map_err(Error::from)?;
    Ok(())
}

/// Records a verdict on a try at a merchant. One on its key blocks that, for [`ADDRESS_BLOCK`] or [`BIN_BLOCK`].
pub async fn record_verdict(db: &PgPool, about: &Try, verdict: Verdict) -> Result<()> {
    let key = match verdict.rule {
        Rule::AddressTries | Rule::AddressDeclines | Rule::Bin => Some(&about.key),
        _ => None,
    };
    let mut tx = crate::begin(db, about.merchant_id, about.mode).await?;
    sqlx::query!(
        "insert into risk_verdicts (rule, merchant_id, live, address, tries, declines)
         values ($1, $2, $3, $4, $5, $6)",
        verdict.rule.name(),
        about.merchant_id.0,
        about.mode.is_live(),
        key,
        verdict.tries.map(stored),
        stored(verdict.declines),
    )
    .execute(&mut *tx)
    .await?;
    crate::commit(tx).await
}
