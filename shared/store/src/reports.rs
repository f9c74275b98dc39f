//! Reports: everything that must agree, compared. Each difference is a row.

use std::collections::HashMap;

use domain::id::{AuthorizationId, PaymentId, RefundId};
use domain::payment::{Event, State};
use domain::refund;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{Error, Result};

/// Something that does not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which rule is broken.
    pub rule: String,
    /// Where.
    pub subject: String,
    /// How.
    pub detail: String,
}

/// How much was compared.
#[derive(Debug)]
pub struct Compared {
    /// Payments.
    pub payments: i64,
    /// Ledger postings.
    pub postings: i64,
    /// Events.
    pub events: i64,
    /// Deliveries.
    pub deliveries: i64,
    /// Jobs on the calendar.
    pub jobs: i64,
}

/// Counts what there is to compare.
pub async fn count(db: &PgPool) -> Result<Compared> {
    let compared = sqlx::query_as!(
        Compared,
        r#"select (select count(*) from payments) as "payments!",
                  (select count(*) from ledger_postings) as "postings!",
                  (select count(*) from events) as "events!",
                  (select count(*) from deliveries) as "deliveries!",
                  (select count(*) from jobs) as "jobs!""#
    )
    .fetch_one(db)
    .await?;
    Ok(compared)
}

/// Replays the ledger against the payments: every posting balances, every payment has exactly the
/// postings that its state asks for, and they say its amount.
pub async fn ledger(db: &PgPool) -> Result<Vec<Difference>> {
    let rows = sqlx::query_file_as!(Difference, "src/reports/ledger.sql")
        .fetch_all(db)
        .await?;
    Ok(rows)
}

/// Compares payments with their history, authorizations and sealed cards.
pub async fn payments(db: &PgPool) -> Result<Vec<Difference>> {
    let (from, to) = legal_moves();
    let rows = sqlx::query_file_as!(Difference, "src/reports/payments.sql", &from, &to)
        .fetch_all(db)
        .await?;
    Ok(rows)
}

/// Compares the calendar with what is work: nothing in an -ing state without a job, no job without
/// work, nothing overdue, nothing parked.
pub async fn jobs(db: &PgPool) -> Result<Vec<Difference>> {
    let rows = sqlx::query_file_as!(Difference, "src/reports/jobs.sql")
        .fetch_all(db)
        .await?;
    Ok(rows)
}

/// Compares payments with events and deliveries: one event for each end, one delivery for each
/// endpoint that asked for it, delivered only with a 2xx.
pub async fn events(db: &PgPool) -> Result<Vec<Difference>> {
    let rows = sqlx::query_file_as!(Difference, "src/reports/events.sql")
        .fetch_all(db)
        .await?;
    Ok(rows)
}

/// Every move of the payment machine, and staying, as pairs of names.
fn legal_moves() -> (Vec<String>, Vec<String>) {
    let moves = State::ALL.into_iter().flat_map(|from| {
        let to = Event::ALL
            .into_iter()
            .filter_map(move |event| from.next(event).ok());
        to.chain([from])
            .map(move |to| (from.name().to_owned(), to.name().to_owned()))
    });
    moves.unzip()
}

/// A payment as an acquirer must know it.
#[derive(Debug, Clone)]
pub struct Charge {
    /// The payment's state.
    pub state: State,
    /// Its version; it grows with every change.
    pub version: i32,
    /// Whether it or one of its attempts is in a worker's hands.
    pub is_in_progress: bool,
    /// Its amount, with the currency's decimals.
    pub amount: String,
    /// Its currency.
    pub currency: String,
    /// Its attempts.
    pub attempts: Vec<AuthorizationId>,
    /// The attempt that holds the money.
    pub approved: Option<AuthorizationId>,
}

/// Every payment that was ever sent to an acquirer in test mode, to be compared with its log.
pub async fn charges(db: &PgPool) -> Result<HashMap<PaymentId, Charge>> {
    let rows = sqlx::query!(
        r#"select p.id, p.state, p.version, round(p.amount, p.exponent::integer)::text as "amount!",
                  p.currency, array_agg(a.id) as "attempts!: Vec<Uuid>",
                  (array_agg(a.id) filter (where a.state = 'approved'))[1] as approved,
                  bool_or(a.state in ('sending', 'enquiring', 'reversing', 'voiding')) as "is_work!"
           from payments p join authorizations a on a.payment_id = p.id
           where not p.live group by p.id"#
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state = State::parse(&row.state).ok_or(Error::Unreadable { table: "payments" })?;
            let charge = Charge {
                state,
                version: row.version,
                is_in_progress: row.is_work || state.is_in_progress(),
                amount: row.amount,
                currency: row.currency,
                attempts: row.attempts.into_iter().map(AuthorizationId).collect(),
                approved: row.approved.map(AuthorizationId),
            };
            Ok((PaymentId(row.id), charge))
        })
        .collect()
}

/// A refund as an acquirer must know it.
#[derive(Debug, Clone)]
pub struct Refund {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// The refund's state.
    pub state: refund::State,
    /// Its amount, with the currency's decimals.
    pub amount: String,
    /// Its currency.
    pub currency: String,
}

/// Every refund in test mode, to be compared with the acquirer's log.
pub async fn refunds(db: &PgPool) -> Result<HashMap<RefundId, Refund>> {
    let rows = sqlx::query!(
        r#"select r.id, r.payment_id, r.state, p.currency,
                  round(r.amount, p.exponent::integer)::text as "amount!"
           from refunds r join payments p on p.id = r.payment_id where not r.live"#
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state = refund::State::parse(&row.state);
            let refund = Refund {
                payment_id: PaymentId(row.payment_id),
                state: state.ok_or(Error::Unreadable { table: "refunds" })?,
                amount: row.amount,
                currency: row.currency,
            };
            Ok((RefundId(row.id), refund))
        })
        .collect()
}
