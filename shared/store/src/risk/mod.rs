//! What the rules of [`domain::risk`] count, and their verdicts.
//!
//! Counters are rows of an hour or a minute. A window is read from the start of the row in which it
//! begins, so it is never shorter than the rule says.

pub mod blocklist;
mod cards;
mod tries;

use domain::id::MerchantId;
use domain::merchant::Mode;
use domain::risk::{MERCHANT_BLOCK, Verdict};
use sqlx::PgPool;

pub use self::cards::{Known, KnownOf, Outcome};
pub use self::tries::{By, Tried, Try, count_decline, record_verdict};
use crate::Result;

/// A count as a column.
fn stored(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A sum of counts, which is never negative.
fn sum(sum: i64) -> u64 {
    u64::try_from(sum).unwrap_or_default()
}

/// Records a verdict on a merchant, which holds for [`MERCHANT_BLOCK`]; `false` if it did already.
pub async fn judge_merchant(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    verdict: Verdict,
) -> Result<bool> {
    let inserted = sqlx::query!(
        "insert into risk_verdicts (rule, merchant_id, live, tries, declines)
         select $1::text, $2::uuid, $3::boolean, $4::integer, $5::integer
         where not exists (select from risk_verdicts
                           where merchant_id = $2 and live = $3 and rule = $1
                             and at > now() - make_interval(secs => $6))",
        verdict.rule.name(),
        merchant.0,
        mode.is_live(),
        verdict.tries.map(stored),
        stored(verdict.declines),
        MERCHANT_BLOCK.as_secs_f64(),
    )
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}
