//! Refunds: asked for by the API, carried out by the refund worker.

use domain::event::Event;
use domain::id::{AuthorizationId, DeliveryId, MerchantId, PaymentId, RefundId};
use domain::ledger::Posting;
use domain::merchant::Mode;
use domain::money::{Currency, Money};
use domain::refund::{Refund, State};
use rust_decimal::Decimal;
use serde_json::json;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Error, Result, Tx, events};

/// How long a claimed refund is left to its worker; longer than any acquirer is waited for.
pub const LEASE_SECONDS: f64 = 20.0;

struct Row {
    id: Uuid,
    payment_id: Uuid,
    merchant_id: Uuid,
    live: bool,
    state: String,
    amount: Decimal,
    currency: String,
    reason: Option<String>,
    created_at: OffsetDateTime,
}

impl Row {
    fn read(self) -> Result<Refund> {
        self.refund().ok_or(Error::Unreadable { table: "refunds" })
    }

    fn refund(self) -> Option<Refund> {
        let currency = Currency::parse(&self.currency)?;
        Some(Refund {
            id: RefundId(self.id),
            payment_id: PaymentId(self.payment_id),
            merchant_id: MerchantId(self.merchant_id),
            mode: Mode::of(self.live),
            state: State::parse(&self.state)?,
            money: Money::from_major(self.amount, currency).ok()?,
            reason: self.reason,
            created_at: self.created_at,
        })
    }
}

/// Asks for a refund: it is stored, its amount is taken from what may still be refunded, and its
/// job is put on the calendar. Returns when, by the database's clock, or `None` if the payment is
/// not captured or has less than this amount left.
///
/// # Errors
/// If the database cannot.
pub async fn create(tx: &mut Tx, refund: &Refund) -> Result<Option<OffsetDateTime>> {
    let created_at = sqlx::query_scalar!(
        "with left_over as (
             update payments set refunded = refunded + $5, updated_at = now()
             where id = $2 and merchant_id = $3 and live = $4 and state = 'captured'
               and amount - refunded >= $5
             returning id
         ), made as (
             insert into refunds (id, payment_id, merchant_id, live, state, amount, reason)
             select $1, id, $3, $4, 'refunding', $5, $6 from left_over
             returning id, created_at
         ), due as (
             insert into jobs (worker, id, due_at)
             select 'refund', id, now() + interval '2 seconds' from made
         )
         select created_at from made",
        refund.id.0,
        refund.payment_id.0,
        refund.merchant_id.0,
        refund.mode.is_live(),
        refund.money.amount(),
        refund.reason,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(created_at)
}

/// A merchant's refund.
///
/// # Errors
/// If the database cannot answer.
pub async fn get(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    id: RefundId,
) -> Result<Option<Refund>> {
    let row = sqlx::query_as!(
        Row,
        "select r.id, r.payment_id, r.merchant_id, r.live, r.state, r.amount, p.currency, r.reason,
                r.created_at
         from refunds r join payments p on p.id = r.payment_id
         where r.id = $1 and r.merchant_id = $2 and r.live = $3 and (select act_for($2, $3))",
        id.0,
        merchant.0,
        mode.is_live(),
    )
    .fetch_optional(db)
    .await?;
    row.map(Row::read).transpose()
}

/// How many refunds a merchant has.
///
/// # Errors
/// If the database cannot answer.
pub async fn count(db: &PgPool, merchant: MerchantId, mode: Mode) -> Result<u64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from refunds
           where merchant_id = $1 and live = $2 and (select act_for($1, $2))"#,
        merchant.0,
        mode.is_live(),
    )
    .fetch_one(db)
    .await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// A merchant's refunds before `after`, newest first, at most `limit` after stepping over `offset`;
/// each that is stepped over costs as much as one that is returned.
///
/// # Errors
/// If the database cannot answer.
pub async fn list(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    after: Option<RefundId>,
    offset: i64,
    limit: i64,
) -> Result<Vec<Refund>> {
    let rows = sqlx::query_as!(
        Row,
        "select r.id, r.payment_id, r.merchant_id, r.live, r.state, r.amount, p.currency, r.reason,
                r.created_at
         from refunds r join payments p on p.id = r.payment_id
         where r.merchant_id = $1 and r.live = $2 and (select act_for($1, $2)) and r.id < $3
         order by r.id desc limit $4 offset $5",
        merchant.0,
        mode.is_live(),
        after.map_or(Uuid::max(), |after| after.0),
        limit,
        offset,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// A refund in the worker's hands until the lease ends.
#[derive(Debug)]
pub struct Claimed {
    /// The refund.
    pub refund: Refund,
    /// The reference under which the acquirer took the money.
    pub authorization: AuthorizationId,
    /// Consecutive claims without success, this one included.
    pub claims: i16,
}

/// Claims a refund; `None` if somebody else holds it, or the ring is stale.
///
/// # Errors
/// If the database cannot.
pub async fn claim(db: &PgPool, id: RefundId, seq: i64, lease: Uuid) -> Result<Option<Claimed>> {
    let row = sqlx::query!(
        r#"with claimed as (
             update jobs o
             set lease = $3, leased_until = now() + make_interval(secs => $4),
                 due_at = now() + make_interval(secs => $4),
                 attempts = least(o.attempts + 1, 1000), publish_count = 0
             where o.worker = 'refund' and o.id = $1 and o.seq = $2 and o.parked_at is null
               and (o.leased_until is null or o.leased_until < now() or o.lease = $3)
             returning o.id, o.attempts
         )
         select c.attempts as "claims!", r.id, r.payment_id, r.merchant_id, r.live, r.state, r.amount,
                p.currency, r.reason, r.created_at, a.id as authorization_id
         from claimed c
         join refunds r on r.id = c.id
         join payments p on p.id = r.payment_id
         join authorizations a on a.payment_id = p.id and a.state = 'approved'"#,
        id.0,
        seq,
        lease,
        LEASE_SECONDS,
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let refund = Row {
        id: row.id,
        payment_id: row.payment_id,
        merchant_id: row.merchant_id,
        live: row.live,
        state: row.state,
        amount: row.amount,
        currency: row.currency,
        reason: row.reason,
        created_at: row.created_at,
    };
    Ok(Some(Claimed {
        refund: refund.read()?,
        authorization: AuthorizationId(row.authorization_id),
        claims: row.claims,
    }))
}

/// Writes a refund's outcome: its state, the posting, the event with its deliveries, and the
/// calendar, in one transaction. `None` if another worker wrote it first.
///
/// # Errors
/// If the database cannot.
pub async fn record_outcome(
    db: &PgPool,
    refund: &Refund,
    posting: Option<&Posting>,
    event: &Event,
) -> Result<Option<Vec<DeliveryId>>> {
    let mut tx = crate::begin(db, refund.merchant_id, refund.mode).await?;
    let moved = sqlx::query!(
        "with moved as (
             update refunds set state = $2, updated_at = now()
             where id = $1 and state = 'refunding'
             returning id, payment_id, amount, merchant_id, live
         ), returned as (
             update payments p set refunded = p.refunded - m.amount, updated_at = now()
             from moved m where $2 = 'failed' and p.id = m.payment_id
         ), posted as (
             insert into ledger_postings (id, payment_id, refund_id, kind, currency)
             select $3, m.payment_id, m.id, 'refund', $4 from moved m where $5::jsonb is not null
             returning id
         ), entered as (
             insert into ledger_entries (posting_id, account, merchant_id, live, amount)
             select $3, e.account, m.merchant_id, m.live, e.amount
             from moved m, jsonb_to_recordset($5) as e(account text, amount numeric)
         ), cleared as (
             delete from jobs o using moved m where o.worker = 'refund' and o.id = m.id
         )
         select id from moved",
        refund.id.0,
        refund.state.name(),
        crate::new_id(),
        refund.money.currency().code(),
        posting.map(|posting| json!(posting.entries)),
    )
    .fetch_optional(&mut *tx)
    .await?;
    if moved.is_none() {
        return Ok(None);
    }
    let deliveries = events::record(&mut tx, refund.merchant_id, refund.mode, event).await?;
    crate::commit(tx).await?;
    Ok(Some(deliveries))
}
