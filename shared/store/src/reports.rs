//! Reports: compare everything that must agree. Each difference is a row.

use std::collections::HashMap;

use domain::endpoint::Status;
use domain::event::EventType;
use domain::id::{AuthorizationId, PaymentId, RefundId};
use domain::ledger::Kind;
use domain::payment::{Event, State};
use domain::{authorization, delivery, payment, refund};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{Error, Result};

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The rule, as a sentence.
    pub rule: String,
    /// The object that breaks it.
    pub subject: String,
    /// The values that do not agree.
    pub detail: String,
}

/// How many rows the reports compare.
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
    /// Jobs.
    pub jobs: i64,
}

/// Counts the rows to compare.
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

/// Compares the ledger with the payments: every posting balances, and every payment has exactly the
/// postings that its state requires, for its amount.
pub async fn ledger(db: &PgPool) -> Result<Vec<Difference>> {
    let (states, kinds): (Vec<_>, Vec<_>) = expected_postings().unzip();
    let rows = sqlx::query_file_as!(
        Difference,
        "src/reports/ledger.sql",
        &states,
        &kinds,
        refund::State::Failed.name(),
        refund::State::Refunded.name(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Compares payments with their history, authorizations and sealed cards.
pub async fn payments(db: &PgPool) -> Result<Vec<Difference>> {
    let (from, to) = legal_moves();
    let undecided =
        |state: &authorization::State| state.is_open() && *state != authorization::State::Approved;
    let rows = sqlx::query_file_as!(
        Difference,
        "src/reports/payments.sql",
        &from,
        &to,
        &names(&State::ALL, |state| state.holds_approval(), State::name),
        &names(
            &State::ALL,
            |state| *state == State::Authorizing,
            State::name
        ),
        authorization::State::Approved.name(),
        &names(
            &authorization::State::ALL,
            undecided,
            authorization::State::name
        ),
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Compares jobs with what is in progress: everything in progress has a job, every job has something in
/// progress, none is overdue, none is parked, and nothing stays in progress for longer than its bound.
pub async fn jobs(db: &PgPool) -> Result<Vec<Difference>> {
    use authorization::State as Attempt;
    let has_job = |state: &State| state.is_in_progress() || *state == State::Created;
    let rows = sqlx::query_file_as!(
        Difference,
        "src/reports/jobs.sql",
        &names(&State::ALL, has_job, State::name),
        &names(&Attempt::ALL, |state| state.is_in_progress(), Attempt::name),
        &[delivery::State::Delivering.name().to_owned()],
        &names(
            &refund::State::ALL,
            |state| state.is_in_progress(),
            refund::State::name
        ),
        payment::IN_PROGRESS_MAX.as_secs_f64(),
        &names(&State::ALL, |state| state.is_in_progress(), State::name),
        refund::IN_PROGRESS_MAX.as_secs_f64(),
        delivery::IN_PROGRESS_MAX.as_secs_f64(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Compares payments with events and deliveries: one event for each final state, one delivery for each
/// subscribed endpoint, `delivered` only after a 2xx.
pub async fn events(db: &PgPool) -> Result<Vec<Difference>> {
    let finals = State::ALL.into_iter().filter_map(|state| {
        let event_type = state.event_type()?;
        Some((state.name().to_owned(), event_type.name().to_owned()))
    });
    let (states, types): (Vec<_>, Vec<_>) = finals.unzip();
    let rows = sqlx::query_file_as!(
        Difference,
        "src/reports/events.sql",
        &states,
        &types,
        EventType::IntentStatusChanged.name(),
        &names(
            &refund::State::ALL,
            |state| state.is_in_progress(),
            refund::State::name
        ),
        Status::Active.name(),
        delivery::State::Delivered.name(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// The names of the states that match.
pub(crate) fn names<S: Copy>(
    states: &[S],
    matches: impl Fn(&S) -> bool,
    name: impl Fn(S) -> &'static str,
) -> Vec<String> {
    let matching = states.iter().copied().filter(|state| matches(state));
    matching.map(|state| name(state).to_owned()).collect()
}

/// The kinds of postings that a payment in each state may have, joined by commas. An authorization that is
/// captured in the same commit posts the capture alone.
fn expected_postings() -> impl Iterator<Item = (String, String)> {
    let expected: [(State, &[Kind]); 8] = [
        (State::Created, &[]),
        (State::Authorizing, &[]),
        (State::Expired, &[]),
        (State::Failed, &[]),
        (State::Failed, &[Kind::Hold, Kind::Release]),
        (State::Capturing, &[Kind::Hold]),
        (State::Captured, &[Kind::Capture]),
        (State::Captured, &[Kind::Capture, Kind::Hold, Kind::Release]),
    ];
    expected.into_iter().map(|(state, kinds)| {
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        (state.name().to_owned(), kinds.join(","))
    })
}

/// Every legal transition of a payment, and staying in a state, as pairs of state names.
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

/// What an acquirer's log must show of a payment.
#[derive(Debug, Clone)]
pub struct Charge {
    /// The payment's state.
    pub state: State,
    /// Its version, which every change increments.
    pub version: i32,
    /// Whether it or one of its attempts is in progress.
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

/// Every payment that was sent to an acquirer in test mode, to compare with the acquirer's log.
pub async fn charges(db: &PgPool) -> Result<HashMap<PaymentId, Charge>> {
    // A watched attempt is reversed at the acquirer already.
    let is_work = |state: &authorization::State| {
        state.is_in_progress() && *state != authorization::State::Watching
    };
    let rows = sqlx::query!(
        r#"select p.id, p.state, p.version, round(p.amount, p.exponent::integer)::text as "amount!",
                  p.currency, array_agg(a.id) as "attempts!: Vec<Uuid>",
                  (array_agg(a.id) filter (where a.state = $1))[1] as approved,
                  bool_or(a.state = any($2)) as "is_work!"
           from payments p join authorizations a on a.payment_id = p.id
           where not p.live group by p.id"#,
        authorization::State::Approved.name(),
        &names(
            &authorization::State::ALL,
            is_work,
            authorization::State::name
        ),
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

/// What an acquirer's log must show of a refund.
#[derive(Debug, Clone)]
pub struct Refund {
    /// The refunded payment.
    pub payment_id: PaymentId,
    /// The refund's state.
    pub state: refund::State,
    /// Its amount, with the currency's decimals.
    pub amount: String,
    /// Its currency.
    pub currency: String,
}

/// Every refund in test mode, to compare with the acquirer's log.
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
