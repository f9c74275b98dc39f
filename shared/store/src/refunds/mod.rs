//! Refunds: requested by the API, carried out by the refund worker.

mod transition;

use domain::id::{AuthorizationId, IntentId, MerchantId, PaymentId, RefundId};
use domain::job::Worker;
use domain::merchant::Mode;
use domain::money::{Currency, Money};
use domain::refund::{Refund, State};
use domain::{authorization, payment};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

pub use self::transition::{Transition, Transitions};
use crate::effects::{self, Effects};
use crate::jobs::{Claimed, Claims, FIRST_PUBLISH_DELAY, Load};
use crate::page::{Size, readable};
use crate::{Error, Result, Tx};

struct Row {
    id: Uuid,
    payment_id: Uuid,
    intent_id: Option<Uuid>,
    merchant_id: Uuid,
    live: bool,
    state: String,
    amount: Decimal,
    currency: String,
    reason: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl Row {
    fn read(self) -> Result<Refund> {
        self.refund().ok_or(Error::Unreadable { table: "refunds" })
    }

    fn refund(self) -> Option<Refund> {
        let currency = Currency::parse_stored(&self.currency)?;
        Some(Refund {
            id: RefundId(self.id),
            payment_id: PaymentId(self.payment_id),
            intent_id: self.intent_id.map(IntentId),
            merchant_id: MerchantId(self.merchant_id),
            mode: Mode::of(self.live),
            state: State::parse(&self.state)?,
            money: Money::from_major(self.amount, currency).ok()?,
            reason: self.reason,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// Stores a refund with its job and reserves its amount, so that concurrent refunds cannot exceed the
/// payment. Returns the creation time by the database's clock, or `None` if the payment is not captured
/// or less than the amount remains refundable.
///
/// A refund is no change of an intent's payment: the intent shows when that payment ended.
pub async fn create(tx: &mut Tx, refund: &Refund) -> Result<Option<OffsetDateTime>> {
    let created_at = sqlx::query_scalar!(
        "with reserved as (
             update payments
             set refunded = refunded + $5, refunded_at = now(),
                 updated_at = case when intent_id is null then now() else updated_at end
             where id = $2 and merchant_id = $3 and live = $4 and state = $8
               and amount - refunded >= $5
             returning id, intent_id
         )
         insert into refunds (id, payment_id, intent_id, merchant_id, live, state, amount, reason)
         select $1, id, intent_id, $3, $4, $7, $5, $6 from reserved
         returning created_at",
        refund.id.0,
        refund.payment_id.0,
        refund.merchant_id.0,
        refund.mode.is_live(),
        refund.money.amount(),
        refund.reason,
        refund.state.name(),
        payment::State::Captured.name(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    if created_at.is_some() {
        let effects = Effects::new(refund.merchant_id, refund.mode);
        effects::record(
            tx,
            &effects.job(Worker::Refund, refund.id.0, FIRST_PUBLISH_DELAY),
        )
        .await?;
    }
    Ok(created_at)
}

/// A merchant's refund, including one of an intent's payment.
pub async fn get(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    id: RefundId,
) -> Result<Option<Refund>> {
    let row = sqlx::query_as!(
        Row,
        "select r.id, r.payment_id, r.intent_id, r.merchant_id, r.live, r.state, r.amount, p.currency,
                r.reason, r.created_at, r.updated_at
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

/// How many refunds a merchant has, without those of intents' payments, counted up to `most`.
pub async fn count(db: &PgPool, merchant: MerchantId, mode: Mode, most: i64) -> Result<u64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select from refunds
               where merchant_id = $1 and live = $2 and (select act_for($1, $2))
                 and intent_id is null limit $3) r"#,
        merchant.0,
        mode.is_live(),
        most,
    )
    .fetch_one(db)
    .await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// A merchant's refunds that come after `after`, newest first, without those of intents' payments: skips
/// `offset` and returns at most `limit`. A skipped row costs as much as a returned one.
pub async fn list(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    after: Option<RefundId>,
    offset: i64,
    size: Size,
) -> Result<(Vec<Refund>, bool)> {
    let rows = sqlx::query_as!(
        Row,
        "select r.id, r.payment_id, r.intent_id, r.merchant_id, r.live, r.state, r.amount, p.currency,
                r.reason, r.created_at, r.updated_at
         from refunds r join payments p on p.id = r.payment_id
         where r.merchant_id = $1 and r.live = $2 and (select act_for($1, $2))
           and r.intent_id is null and r.id < $3
         order by r.id desc limit $4 offset $5",
        merchant.0,
        mode.is_live(),
        after.map_or(Uuid::max(), |after| after.0),
        size.queried(),
        offset,
    );
    let (rows, has_more) = size.read(rows.fetch(db), |_| &Value::Null).await?;
    Ok((readable(rows.into_iter().map(Row::read))?, has_more))
}

/// Refunds of an intent's payments that come after `after`, newest first, at most `limit`.
pub async fn of_intent(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    intent: IntentId,
    after: Option<RefundId>,
    size: Size,
) -> Result<(Vec<Refund>, bool)> {
    let rows = sqlx::query_as!(
        Row,
        "select r.id, r.payment_id, r.intent_id, r.merchant_id, r.live, r.state, r.amount, p.currency,
                r.reason, r.created_at, r.updated_at
         from payments p join refunds r on r.payment_id = p.id
         where p.intent_id = $3 and r.merchant_id = $1 and r.live = $2 and (select act_for($1, $2))
           and r.id < $4
         order by r.id desc limit $5",
        merchant.0,
        mode.is_live(),
        intent.0,
        after.map_or(Uuid::max(), |after| after.0),
        size.queried(),
    );
    let (rows, has_more) = size.read(rows.fetch(db), |_| &Value::Null).await?;
    Ok((readable(rows.into_iter().map(Row::read))?, has_more))
}

/// A refund that the refund worker claimed.
#[derive(Debug)]
pub struct ClaimedRefund {
    /// The refund.
    pub refund: Refund,
    /// The acquirer's reference of the captured authorization.
    pub authorization: AuthorizationId,
    /// The acquirer that captured it.
    pub acquirer: String,
}

impl Load for ClaimedRefund {
    async fn load(db: &mut PgConnection, claims: &Claims) -> Result<Vec<(Uuid, Claimed<Self>)>> {
        let rows = sqlx::query!(
            r#"select c.lease as "lease!", c.claims as "claims!", r.id, r.payment_id, r.intent_id,
                      r.merchant_id, r.live, r.state, r.amount, p.currency, r.reason, r.created_at,
                      r.updated_at, a.id as authorization_id, a.acquirer
               from claim_jobs('refund', $1, $2, $3, $4, $5) c
               join refunds r on r.id = c.owner_id
               join payments p on p.id = r.payment_id
               -- Not a plain join: planned while the table was empty, it would read all attempts in
               -- this state.
               cross join lateral (select id, acquirer from authorizations
                                   where payment_id = p.id and state = $6 limit 1) a"#,
            &claims.ids,
            &claims.seqs,
            &claims.leases,
            claims.session,
            claims.lease_seconds,
            authorization::State::Approved.name(),
        )
        .fetch_all(db)
        .await?;
        let claimed = rows.into_iter().map(|row| {
            let refund = Row {
                id: row.id,
                payment_id: row.payment_id,
                intent_id: row.intent_id,
                merchant_id: row.merchant_id,
                live: row.live,
                state: row.state,
                amount: row.amount,
                currency: row.currency,
                reason: row.reason,
                created_at: row.created_at,
                updated_at: row.updated_at,
            };
            let owner = refund.read().map(|refund| Self {
                refund,
                authorization: AuthorizationId(row.authorization_id),
                acquirer: row.acquirer,
            });
            (
                row.lease,
                Claimed {
                    claims: row.claims,
                    owner,
                },
            )
        });
        Ok(claimed.collect())
    }
}
