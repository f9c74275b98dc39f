//! Lists of payments.

use domain::id::{MerchantId, PaymentId};
use domain::merchant::Mode;
use domain::payment::{Payment, State};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::Row;
use crate::Result;

/// How far an id's time, which the process that made it said, may be from the database's.
const SKEW: Duration = Duration::minutes(10);

/// Which payments, newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those before this one, exclusive.
    pub after: Option<PaymentId>,
    /// How many of them to step over. Each costs as much as one that is shown: bound it.
    pub offset: i64,
    /// How many to return at most.
    pub limit: i64,
    /// In which states; empty is all.
    pub states: Vec<State>,
    /// Created at or after.
    pub from: Option<OffsetDateTime>,
    /// Created before.
    pub to: Option<OffsetDateTime>,
}

impl Filter {
    /// Ids carry their time, so bounds of time are bounds of the index.
    fn bounds(&self) -> (Uuid, Uuid) {
        let from = self.from.map_or(Uuid::nil(), |from| first_id(from - SKEW));
        let to = self.to.map_or(Uuid::max(), |to| first_id(to + SKEW));
        let after = self.after.map_or(Uuid::max(), |after| after.0);
        (from, to.min(after))
    }
}

/// The least version 7 id of a millisecond.
fn first_id(at: OffsetDateTime) -> Uuid {
    let ms = u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    Uuid::from_u128(u128::from(ms & 0xffff_ffff_ffff) << 80)
}

/// A merchant's payments, newest first; those of intents are not among them.
pub async fn list(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    filter: &Filter,
) -> Result<Vec<Payment>> {
    let rows = if filter.states.is_empty() {
        in_any_state(db, merchant, mode, filter).await?
    } else {
        in_states(db, merchant, mode, filter).await?
    };
    rows.into_iter().map(Row::read).collect()
}

async fn in_any_state(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    filter: &Filter,
) -> Result<Vec<Row>> {
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
        filter.limit,
        filter.offset,
    );
    Ok(rows.fetch_all(db).await?)
}

/// Each state's newest ones, put together: a rare state is not looked for among all payments.
async fn in_states(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    filter: &Filter,
) -> Result<Vec<Row>> {
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
        filter.limit,
        filter.offset,
    );
    Ok(rows.fetch_all(db).await?)
}
