//! Lists of payments.

use domain::id::{MerchantId, PaymentId};
use domain::merchant::Mode;
use domain::payment::{Payment, State};
use sqlx::PgPool;
use time::OffsetDateTime;

use super::Row;
use crate::page::{Size, readable};
use crate::{NEWEST, Result};

/// Which payments to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those that come after this one in the list; none if it is not in the list.
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
    /// The range of creation times, without its end. Always set, so that Postgres reads no more of the
    /// index than this range.
    fn times(&self) -> (OffsetDateTime, OffsetDateTime) {
        let from = self.from.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        (from, self.to.unwrap_or(NEWEST.0))
    }
}

/// A merchant's payments, newest first, without those that pay intents; also returns whether more follow.
/// Those created at the same time follow their ids.
///
/// The place to begin at is one row: the end of the range of times, or the payment to begin after. It is
/// the only condition that limits the index from above: of two, Postgres might begin at the wrong one.
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
    Ok((readable(rows.into_iter().map(Row::read))?, has_more))
}

async fn in_any_state(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    filter: &Filter,
    size: Size,
) -> Result<(Vec<Row>, bool)> {
    let (from, to) = filter.times();
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
             and p.created_at >= $3 and (p.created_at < $4) is true
             and (p.created_at, p.id) < (
                 select place.* from (
                     select $4::timestamptz, null::uuid where $5::uuid is null
                     union all
                     select created_at, id from payments
                     where id = $5 and merchant_id = $1 and live = $2 and (select act_for($1, $2))
                       and intent_id is null) place)
           order by p.created_at desc, p.id desc
           limit $6 offset $7"#,
        merchant.0,
        mode.is_live(),
        from,
        to,
        filter.after.map(|after| after.0),
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
    let (from, to) = filter.times();
    let states: Vec<&str> = filter.states.iter().map(|state| state.name()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"select p.id, p.merchant_id, p.live, p.state, p.failure, p.amount, p.currency, p.method,
                  p.description, p.metadata, p.customer_id, c.email as "customer_email?",
                  c.name as "customer_name?", c.phone as "customer_phone?", p.card_brand,
                  p.card_last4, p.card_exp_month, p.card_exp_year, p.intent_id, p.checkout,
                  p.refunded, p.created_at, p.updated_at
           from unnest($6::text[]) as s(state)
           cross join lateral (
               select * from payments p
               where p.merchant_id = $1 and p.live = $2 and (select act_for($1, $2))
                 and p.intent_id is null and p.state = s.state
                 and p.created_at >= $3 and (p.created_at < $4) is true
                 and (p.created_at, p.id) < (
                     select place.* from (
                         select $4::timestamptz, null::uuid where $5::uuid is null
                         union all
                         select created_at, id from payments
                         where id = $5 and merchant_id = $1 and live = $2 and (select act_for($1, $2))
                           and intent_id is null) place)
               order by p.created_at desc, p.id desc
               limit $7::bigint + $8::bigint) p
           left join customers c on c.id = p.customer_id
           order by p.created_at desc, p.id desc
           limit $7 offset $8"#,
        merchant.0,
        mode.is_live(),
        from,
        to,
        filter.after.map(|after| after.0),
        &states as _,
        size.queried(),
        filter.offset,
    );
    size.read(rows.fetch(db), |row| &row.metadata).await
}
