//! Lists of payments.

use domain::id::{MerchantId, PaymentId};
use domain::merchant::Mode;
use domain::payment::{Payment, State};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::Row;
use crate::Result;
use crate::page::Size;

/// How far the time in an id may differ from the database's clock: it comes from the clock of the process
/// that created the id.
const SKEW: Duration = Duration::minutes(10);

/// Which payments to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those that come after this one in the list.
    pub after: Option<PaymentId>,
    /// How many to skip. A skipped row costs as much as a returned one, so limit this.
    pub offset: i64,
    /// Only in these states; empty is all.
    pub states: Vec<State>,
    /// Created at or after this time.
    pub from: Option<OffsetDateTime>,
    /// Created before this time.
    pub to: Option<OffsetDateTime>,
}

impl Filter {
    /// The range of ids to read. Ids contain their creation time, so a time range limits how much of the
    /// index is read.
    fn bounds(&self) -> (Uuid, Uuid) {
        let from = self.from.map_or(Uuid::nil(), |from| first_id(from - SKEW));
        let to = self.to.map_or(Uuid::max(), |to| first_id(to + SKEW));
        let after = self.after.map_or(Uuid::max(), |after| after.0);
        (from, to.min(after))
    }
}

/// The smallest version 7 id of a millisecond.
fn first_id(at: OffsetDateTime) -> Uuid {
    let ms = u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    Uuid::from_u128(u128::from(ms & 0xffff_ffff_ffff) << 80)
}

/// A merchant's payments, newest first, without those that pay intents; also returns whether more
/// follow.
pub async fn list(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    filter: &Filter,
    size: Size,
) -> Result<(Vec<Payment>, bool)> {
    let (rows, has_more) = if filter.states.is_empty() {
        in_any_state(db, merchant, mode, filter, size).await?
    } else {
        in_states(db, merchant, mode, filter, size).await?
    };
    let payments: Result<_> = rows.into_iter().map(Row::read).collect();
    Ok((payments?, has_more))
}

async fn in_any_state(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    filter: &Filter,
    size: Size,
) -> Result<(Vec<Row>, bool)> {
    let (from_id, below_id) = filter.bounds();
    let rows = sqlx::query_as!(
        Row,
        r#"select p.id, p.merchant_id, p.live, p.state, p.failure, p.amount, p.currency, p.method,
                  p.description, p.metadata, p.customer_id, c.email as "customer_email?",
                  c.name as "customer_name?", c.phone as "customer_phone?", p.card_brand,
                  p.card_last4, p.card_exp_month, p.card_exp_year, p.intent_id, p.checkout,
                  p.refunded, p.created_at, p.updated_at
           from payments p left join customers c on c.id = p.customer_id
           where p.merchant_id = $1 and p.live = $2 and (select act_for($1, $2))
             and p.intent_id is null
             and p.id >= $3 and p.id < $4
             and ($5::timestamptz is null or p.created_at >= $5)
             and ($6::timestamptz is null or p.created_at < $6)
           order by p.id desc
           limit $7 offset $8"#,
        merchant.0,
        mode.is_live(),
        from_id,
        below_id,
        filter.from,
        filter.to,
        size.queried(),
        filter.offset,
    );
    size.read(rows.fetch(db), |row| &row.metadata).await
}

/// Reads the newest payments of each state by index and merges them, so that finding a rare state does
/// not scan all payments.
async fn in_states(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    filter: &Filter,
    size: Size,
) -> Result<(Vec<Row>, bool)> {
    let (from_id, below_id) = filter.bounds();
    let states: Vec<&str> = filter.states.iter().map(|state| state.name()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"select p.id, p.merchant_id, p.live, p.state, p.failure, p.amount, p.currency, p.method,
                  p.description, p.metadata, p.customer_id, c.email as "customer_email?",
                  c.name as "customer_name?", c.phone as "customer_phone?", p.card_brand,
                  p.card_last4, p.card_exp_month, p.card_exp_year, p.intent_id, p.checkout,
                  p.refunded, p.created_at, p.updated_at
           from unnest($5::text[]) as s(state)
           cross join lateral (
               select * from payments p
               where p.merchant_id = $1 and p.live = $2 and (select act_for($1, $2))
                 and p.intent_id is null and p.state = s.state
                 and p.id >= $3 and p.id < $4
                 and ($6::timestamptz is null or p.created_at >= $6)
                 and ($7::timestamptz is null or p.created_at < $7)
               order by p.id desc
               limit $8::bigint + $9::bigint) p
           left join customers c on c.id = p.customer_id
           order by p.id desc
           limit $8 offset $9"#,
        merchant.0,
        mode.is_live(),
        from_id,
        below_id,
        &states as _,
        filter.from,
        filter.to,
        size.queried(),
        filter.offset,
    );
    size.read(rows.fetch(db), |row| &row.metadata).await
}
