//! Intents.

use domain::event::{self, Event, Subject};
use domain::id::{IntentId, MerchantId, PaymentId};
use domain::intent::{Intent, Kind, Paid, SettlementMethod, Terms};
use domain::job::Job;
use domain::merchant::Mode;
use domain::money::{Currency, Money};
use domain::payment::{Failure, State};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::effects::{self, Effects};
use crate::page::{Size, readable};
use crate::{Error, NEWEST, Result, Tx};

struct Row {
    id: Uuid,
    merchant_id: Uuid,
    live: bool,
    amount: Decimal,
    currency: String,
    kind: String,
    settlement_method: String,
    settlement_destination: Option<String>,
    description: Option<String>,
    metadata: Value,
    delivery_period_seconds: i64,
    expected_delivery_hash: Option<String>,
    auto_release: bool,
    delivery_oracle: Option<String>,
    canceled_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    payment_id: Option<Uuid>,
    payment_state: Option<String>,
    payment_failure: Option<String>,
    payment_refunded: Option<Decimal>,
    payment_refunded_at: Option<OffsetDateTime>,
    payment_created_at: Option<OffsetDateTime>,
    payment_updated_at: Option<OffsetDateTime>,
}

impl Row {
    fn read(self) -> Result<Intent> {
        self.intent().ok_or(Error::Unreadable { table: "intents" })
    }

    fn intent(self) -> Option<Intent> {
        let currency = Currency::parse_stored(&self.currency);
        let currency = currency.or_else(|| Currency::parse_token(&self.currency))?;
        let Value::Object(metadata) = self.metadata else {
            return None;
        };
        let failure = match self.payment_failure {
            Some(failure) => Some(Failure::parse(&failure)?),
            None => None,
        };
        let paid = match self.payment_id {
            None => None,
            Some(id) => Some(Paid {
                payment_id: PaymentId(id),
                state: State::parse(&self.payment_state?)?,
                failure,
                refunded: self.payment_refunded?,
                refunded_at: self.payment_refunded_at,
                created_at: self.payment_created_at?,
                updated_at: self.payment_updated_at?,
            }),
        };
        Some(Intent {
            id: IntentId(self.id),
            merchant_id: MerchantId(self.merchant_id),
            mode: Mode::of(self.live),
            money: Money::from_major(self.amount, currency).ok()?,
            kind: Kind::parse(&self.kind)?,
            settlement_method: SettlementMethod::parse(&self.settlement_method)?,
            settlement_destination: self.settlement_destination,
            description: self.description,
            metadata,
            terms: Terms {
                delivery_period_seconds: self.delivery_period_seconds,
                expected_delivery_hash: self.expected_delivery_hash,
                auto_release: self.auto_release,
                delivery_oracle: self.delivery_oracle,
            },
            paid,
            canceled_at: self.canceled_at,
            created_at: self.created_at,
        })
    }
}

/// Stores an intent and records its event. Returns the intent with its creation time by the database's
/// clock, and the jobs to publish after the commit.
pub async fn create(tx: &mut Tx, intent: &Intent) -> Result<(Intent, Vec<Job>)> {
    let created_at = sqlx::query_scalar!(
        "insert into intents
             (id, merchant_id, live, amount, currency, exponent, kind, settlement_method,
              settlement_destination, description, metadata, delivery_period_seconds,
              expected_delivery_hash, auto_release, delivery_oracle)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         returning created_at",
        intent.id.0,
        intent.merchant_id.0,
        intent.mode.is_live(),
        intent.money.amount(),
        intent.money.currency().code(),
        i16::try_from(intent.money.currency().exponent()).unwrap_or_default(),
        intent.kind.name(),
        intent.settlement_method.name(),
        intent.settlement_destination,
        intent.description,
        Value::Object(intent.metadata.clone()),
        intent.terms.delivery_period_seconds,
        intent.terms.expected_delivery_hash,
        intent.terms.auto_release,
        intent.terms.delivery_oracle,
    )
    .fetch_one(&mut **tx)
    .await?;
    let intent = Intent {
        created_at,
        ..intent.clone()
    };
    let event = Event {
        event_type: event::EventType::IntentCreated,
        subject: Subject::Intent {
            now: intent.clone(),
            previous: None,
        },
    };
    let effects = Effects::new(intent.merchant_id, intent.mode).event(&event);
    let jobs = effects::record(tx, &effects).await?;
    Ok((intent, jobs))
}

/// The outcome of [`cancel`].
#[derive(Debug)]
pub enum Canceled {
    /// The intent is canceled now; with the jobs to publish after the commit.
    Now(Intent, Vec<Job>),
    /// The intent is not open, and unchanged.
    NotOpen(Intent),
}

/// Cancels a merchant's intent if it is open, and records the event; `None` if the merchant has no such
/// intent. Cancelling and paying lock the intent's row, so of two at the same time one waits for the
/// other's transaction and sees its outcome.
pub async fn cancel(
    tx: &mut Tx,
    merchant: MerchantId,
    mode: Mode,
    id: IntentId,
) -> Result<Option<Canceled>> {
    let locked = sqlx::query_scalar!(
        "select id from intents where id = $1 and merchant_id = $2 and live = $3 for update",
        id.0,
        merchant.0,
        mode.is_live(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    if locked.is_none() {
        return Ok(None);
    }
    // A new statement: it sees what others committed while the first one waited for the lock.
    let Some(before) = read(&mut **tx, id).await? else {
        return Ok(None);
    };
    if !before.state().is_open() {
        return Ok(Some(Canceled::NotOpen(before)));
    }
    let canceled_at = sqlx::query_scalar!(
        r#"update intents set canceled_at = now() where id = $1 returning canceled_at as "at!""#,
        id.0
    )
    .fetch_one(&mut **tx)
    .await?;
    let previous = before.state();
    let now = Intent {
        canceled_at: Some(canceled_at),
        ..before
    };
    let event = Event {
        event_type: event::EventType::IntentStatusChanged,
        subject: Subject::Intent {
            now: now.clone(),
            previous: Some(previous),
        },
    };
    let effects = Effects::new(merchant, mode).event(&event);
    let jobs = effects::record(tx, &effects).await?;
    Ok(Some(Canceled::Now(now, jobs)))
}

/// An intent of any merchant: for its public page, for its payment's worker, and to check whether an
/// id exists at all.
pub async fn get(db: &PgPool, id: IntentId) -> Result<Option<Intent>> {
    read(db, id).await
}

async fn read<'e, E>(db: E, id: IntentId) -> Result<Option<Intent>>
where
    E: sqlx::Executor<'e, Database = sqlx::Postgres>,
{
    let row = sqlx::query_as!(
        Row,
        r#"select i.id, i.merchant_id, i.live, i.amount, i.currency, i.kind, i.settlement_method,
                  i.settlement_destination, i.description, i.metadata, i.delivery_period_seconds,
                  i.expected_delivery_hash, i.auto_release, i.delivery_oracle, i.canceled_at,
                  i.created_at, p.id as "payment_id?", p.state as "payment_state?",
                  p.failure as payment_failure, p.refunded as "payment_refunded?",
                  p.refunded_at as payment_refunded_at, p.created_at as "payment_created_at?",
                  p.updated_at as "payment_updated_at?"
           from intents i
           left join lateral (
               select id, state, failure, refunded, refunded_at, created_at, updated_at
               from payments where intent_id = i.id order by id desc limit 1) p on true
           where i.id = $1 and (select by_public_id($1))"#,
        id.0,
    )
    .fetch_optional(db)
    .await?;
    row.map(Row::read).transpose()
}

/// A merchant's intents, newest first: only those that come in the list after the one with this creation time
/// and id. Also returns whether more follow.
pub async fn list(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    after: Option<(OffsetDateTime, IntentId)>,
    size: Size,
) -> Result<(Vec<Intent>, bool)> {
    let (below, below_id) = after.map_or(NEWEST, |(at, id)| (at, id.0));
    let rows = sqlx::query_as!(
        Row,
        r#"select i.id, i.merchant_id, i.live, i.amount, i.currency, i.kind, i.settlement_method,
                  i.settlement_destination, i.description, i.metadata, i.delivery_period_seconds,
                  i.expected_delivery_hash, i.auto_release, i.delivery_oracle, i.canceled_at,
                  i.created_at, p.id as "payment_id?", p.state as "payment_state?",
                  p.failure as payment_failure, p.refunded as "payment_refunded?",
                  p.refunded_at as payment_refunded_at, p.created_at as "payment_created_at?",
                  p.updated_at as "payment_updated_at?"
           from intents i
           left join lateral (
               select id, state, failure, refunded, refunded_at, created_at, updated_at
               from payments where intent_id = i.id order by id desc limit 1) p on true
           where i.merchant_id = $1 and i.live = $2 and (select act_for($1, $2))
             and (i.created_at, i.id) < ($3, $4)
           order by i.created_at desc, i.id desc limit $5"#,
        merchant.0,
        mode.is_live(),
        below,
        below_id,
        size.queried(),
    );
    let (rows, has_more) = size.read(rows.fetch(db), |row| &row.metadata).await?;
    Ok((readable(rows.into_iter().map(Row::read))?, has_more))
}
