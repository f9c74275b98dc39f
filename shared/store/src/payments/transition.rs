//! Changing a payment: all of an event's effects, or none.

use std::collections::HashMap;

use domain::authorization;
use domain::event::Event;
use domain::id::{AuthorizationId, DeliveryId, PaymentId};
use domain::ledger::Posting;
use domain::payment::{Failure, State};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::LEASE;
use crate::Result;
use crate::batch::{Batch, Statement};

/// What becomes of the card worker's job with a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// The worker goes on at once; its lease begins anew.
    Extend,
    /// The worker must look at it soon, whether or not it is on the calendar already.
    Enqueue,
    /// Nothing is left to do.
    Complete,
}

impl Job {
    const fn name(self) -> &'static str {
        match self {
            Job::Extend => "keep",
            Job::Enqueue => "put",
            Job::Complete => "clear",
        }
    }
}

/// Something that history to a payment, for its history.
#[derive(Debug, Clone, Copy)]
pub struct HistoryEntry {
    /// What.
    pub event: &'static str,
    /// The state that followed.
    pub state: State,
    /// The attempt it history to.
    pub authorization: Option<AuthorizationId>,
}

/// The whole effect of what history on a payment: the only thing that changes one.
///
/// Row, history, authorization, ledger, sealed card, job, event and deliveries are written in one
/// statement, guarded by the version that was read.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The payment.
    pub payment_id: PaymentId,
    /// The version that was read.
    pub version: i32,
    /// What history, one after the other; each makes a version.
    pub history: Vec<HistoryEntry>,
    /// The state that follows.
    pub state: State,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// The attempt it history to, and the attempt's state that follows.
    pub authorization: Option<(AuthorizationId, authorization::State)>,
    /// HMAC of the card number.
    pub fingerprint: Option<Vec<u8>>,
    /// Whether the outcome is known, so that the sealed card must go.
    pub forget_card: bool,
    /// What it means for the books.
    pub postings: Vec<Posting>,
    /// What the merchant is told.
    pub event: Option<Event>,
    /// What becomes of the job.
    pub job: Job,
}

impl Transition {
    /// Whether the acquirer would say it again, were it lost with the database: the payment goes on
    /// being work, and its attempt stays open.
    fn is_recoverable(&self) -> bool {
        self.state.is_in_progress() && self.job == Job::Extend && self.event.is_none()
    }
}

/// What a transition did.
#[derive(Debug)]
pub enum Written {
    /// It is written.
    Done {
        /// The payment's version now.
        version: i32,
        /// The deliveries it made, to be rung.
        deliveries: Vec<DeliveryId>,
    },
    /// Somebody else changed the payment first: read it again and decide anew.
    Conflict,
}

/// Where changes are written. Those that wait for the disk do not hold up those that need not.
#[derive(Clone)]
pub struct Transitions {
    synchronous: Batch<Transition>,
    asynchronous: Batch<Transition>,
}

impl Transitions {
    /// Starts the tasks that write; they end when the last clone is dropped.
    #[must_use]
    pub fn start(db: &PgPool) -> Self {
        Self {
            synchronous: Batch::start(db),
            asynchronous: Batch::start(db),
        }
    }

    /// Writes a transition, together with those that are written at the same time.
    ///
    /// # Errors
    /// What the database said about this transition.
    pub async fn run(&self, transition: Transition) -> Result<Written> {
        if transition.is_recoverable() {
            self.asynchronous.run(transition).await
        } else {
            self.synchronous.run(transition).await
        }
    }
}

impl Statement for Transition {
    type Row = Transition;
    type Output = Written;
    const CONNECTIONS: u32 = 2;

    async fn run(db: &mut PgConnection, rows: &[Transition]) -> Result<Vec<Option<Written>>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.payment_id.0).collect();
        let versions: Vec<i32> = rows.iter().map(|row| row.version).collect();
        let history: Vec<Value> = rows.iter().map(|row| lines(&row.history)).collect();
        let states: Vec<&str> = rows.iter().map(|row| row.state.name()).collect();
        let failures = each(rows, |row| row.failure.map(Failure::name));
        let authorizations = each(rows, |row| row.authorization.map(|(id, _)| id.0));
        let authorization_states = each(rows, |row| row.authorization.map(|(_, to)| to.name()));
        let fingerprints = each(rows, |row| row.fingerprint.as_deref());
        let forget: Vec<bool> = rows.iter().map(|row| row.forget_card).collect();
        let postings: Vec<Value> = rows.iter().map(|row| identified(&row.postings)).collect();
        let event_ids = each(rows, |row| row.event.as_ref().map(|_| crate::new_id()));
        let kinds = each(rows, |row| {
            row.event.as_ref().map(|event| event.event_type.name())
        });
        let notices = each(rows, |row| row.event.as_ref().map(|event| json!(event)));
        let jobs: Vec<&str> = rows.iter().map(|row| row.job.name()).collect();
        let written = sqlx::query_file!(
            "src/payments/transition.sql",
            &ids,
            &versions,
            &history,
            &states as _,
            &failures as _,
            &authorizations as _,
            &authorization_states as _,
            &fingerprints as _,
            &forget,
            &postings,
            &event_ids as _,
            &kinds as _,
            &notices as _,
            &jobs as _,
            LEASE.as_secs_f64(),
            rows.iter().all(Transition::is_recoverable),
        )
        .fetch_all(db)
        .await?;
        let (mut versions, mut deliveries) = (HashMap::new(), HashMap::<_, Vec<_>>::new());
        for row in written {
            if let (Some(ord), Some(version)) = (row.ord, row.version) {
                versions.insert(ord, version);
            }
            if let (Some(delivery), Some(event)) = (row.delivery_id, row.event_id) {
                deliveries
                    .entry(event)
                    .or_default()
                    .push(DeliveryId(delivery));
            }
        }
        let answers = (1..)
            .zip(event_ids)
            .map(|(ord, event)| match versions.remove(&ord) {
                None => Some(Written::Conflict),
                Some(version) => {
                    let deliveries = event.and_then(|event| deliveries.remove(&event));
                    let deliveries = deliveries.unwrap_or_default();
                    Some(Written::Done {
                        version,
                        deliveries,
                    })
                }
            });
        Ok(answers.collect())
    }
}

fn each<'a, T>(
    rows: &'a [Transition],
    value: impl Fn(&'a Transition) -> Option<T>,
) -> Vec<Option<T>> {
    rows.iter().map(value).collect()
}

/// What history, as the statement takes it.
fn lines(history: &[HistoryEntry]) -> Value {
    let line = |one: &HistoryEntry| {
        let authorization = one.authorization.map(|id| id.0);
        json!({"event": one.event, "state": one.state.name(), "authorization_id": authorization})
    };
    history.iter().map(line).collect()
}

/// Postings with ids of their own, as the statement takes them.
fn identified(postings: &[Posting]) -> Value {
    let identify = |posting: &Posting| json!({"id": crate::new_id(), "kind": posting.kind, "entries": posting.entries});
    postings.iter().map(identify).collect()
}
