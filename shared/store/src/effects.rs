//! The effects of a transition: history, postings, an event with its deliveries, and jobs. The
//! statement that moves the row calls the database function `record_effects`, which writes all of them:
//! the row and its effects are written together or not at all.

use std::collections::HashMap;
use std::slice;
use std::time::Duration;

use domain::event::{Event, EventType, Subject};
use domain::id::{AuthorizationId, DeliveryId, MerchantId, PaymentId};
use domain::job::{Job, Worker};
use domain::ledger::{Cause, Posting};
use domain::merchant::Mode;
use domain::payment::{self, State};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::jobs::{FIRST_SEQ, Lease};
use crate::{Result, snapshot};

/// An entry of a payment's history.
#[derive(Debug, Clone, Copy)]
pub struct HistoryEntry {
    /// The event's name.
    pub event: &'static str,
    /// The payment's state after the event.
    pub state: State,
    /// The attempt that the event is about.
    pub authorization: Option<AuthorizationId>,
}

/// The effects of one transition. The field names are the JSON keys that `record_effects` reads; empty
/// fields are omitted.
#[derive(Debug, Clone, Serialize)]
#[must_use]
pub struct Effects {
    #[serde(skip)]
    merchant_id: MerchantId,
    #[serde(skip)]
    mode: Mode,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    history: Vec<HistoryRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    postings: Vec<PostingRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<EventRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    jobs: Vec<JobRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wake: Vec<JobRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<LeaseRow>,
}

#[derive(Debug, Clone, Serialize)]
struct HistoryRow {
    payment_id: Uuid,
    version: i32,
    event: &'static str,
    state: &'static str,
    authorization_id: Option<Uuid>,
}

#[derive(Debug, Clone, Serialize)]
struct PostingRow {
    id: Uuid,
    cause: &'static str,
    cause_id: Uuid,
    kind: &'static str,
    merchant_id: Uuid,
    live: bool,
    currency: &'static str,
    entries: Vec<EntryRow>,
}

#[derive(Debug, Clone, Serialize)]
struct EntryRow {
    account: &'static str,
    #[serde(with = "rust_decimal::serde::str")]
    amount: Decimal,
}

#[derive(Debug, Clone, Serialize)]
struct EventRow {
    id: Uuid,
    merchant_id: Uuid,
    live: bool,
    #[serde(rename = "type")]
    event_type: &'static str,
    subject: &'static str,
    subject_id: Uuid,
    data: Value,
    data_version: i16,
}

#[derive(Debug, Clone, Serialize)]
struct JobRow {
    worker: &'static str,
    id: Uuid,
    merchant_id: Uuid,
    live: bool,
    due_in: f64,
}

#[derive(Debug, Clone, Serialize)]
struct LeaseRow {
    id: Uuid,
    lease: Uuid,
    extend_by: Option<f64>,
}

impl Effects {
    /// No effects yet. Everything added belongs to this merchant and mode.
    pub fn new(merchant_id: MerchantId, mode: Mode) -> Self {
        Self {
            merchant_id,
            mode,
            history: Vec::new(),
            postings: Vec::new(),
            event: None,
            jobs: Vec::new(),
            wake: Vec::new(),
            lease: None,
        }
    }

    /// Adds entries to a payment's history; the first one has the version after `version`.
    pub fn history(mut self, payment: PaymentId, version: i32, entries: &[HistoryEntry]) -> Self {
        let rows = (1..).zip(entries).map(|(step, entry)| HistoryRow {
            payment_id: payment.0,
            version: version.saturating_add(step),
            event: entry.event,
            state: entry.state.name(),
            authorization_id: entry.authorization.map(|id| id.0),
        });
        self.history.extend(rows);
        self
    }

    /// Adds a posting in this currency. Each cause posts each kind at most once; the constraint
    /// `ledger_postings_once` enforces it.
    pub fn posting(mut self, cause: Cause, currency: &'static str, posting: Posting) -> Self {
        let entries = posting.entries.into_iter().map(|entry| EntryRow {
            account: entry.account.name(),
            amount: entry.amount,
        });
        self.postings.push(PostingRow {
            id: crate::new_id(),
            cause: cause.name(),
            cause_id: cause.id(),
            kind: posting.kind.name(),
            merchant_id: self.merchant_id.0,
            live: self.mode.is_live(),
            currency,
            entries: entries.collect(),
        });
        self
    }

    /// Sets the event that the merchant's endpoints receive.
    pub fn event(self, event: &Event) -> Self {
        self.event_with_id(crate::new_id(), event)
    }

    /// Sets the event, with an id that was made before the statement's first try.
    pub(crate) fn event_with_id(mut self, id: Uuid, event: &Event) -> Self {
        let (subject, subject_id) = match &event.subject {
            Subject::Payment(payment) => ("payment", payment.id.0),
            Subject::Refund(refund) => ("refund", refund.id.0),
            Subject::Customer(customer) => ("customer", customer.id.0),
            Subject::Intent { now, .. } => ("intent", now.id.0),
            Subject::Endpoint(endpoint) => ("endpoint", endpoint.id.0),
        };
        self.event = Some(EventRow {
            id,
            merchant_id: self.merchant_id.0,
            live: self.mode.is_live(),
            event_type: event.event_type.name(),
            subject,
            subject_id,
            data: snapshot::write(event),
            data_version: snapshot::VERSION,
        });
        self
    }

    /// Sets the event of a customer that the same statement creates. Its timestamps are not known yet.
    pub(crate) fn new_customer(mut self, customer: &payment::Customer) -> Self {
        self.event = Some(EventRow {
            id: crate::new_id(),
            merchant_id: self.merchant_id.0,
            live: self.mode.is_live(),
            event_type: EventType::CustomerCreated.name(),
            subject: "customer",
            subject_id: customer.id.0,
            data: snapshot::write_new_customer(customer),
            data_version: snapshot::VERSION,
        });
        self
    }

    /// Adds a new job that is due after `due_in`. Until then the process that wrote it publishes it;
    /// afterwards the scheduler does.
    pub fn job(mut self, worker: Worker, id: Uuid, due_in: Duration) -> Self {
        self.jobs.push(self.row(worker, id, due_in));
        self
    }

    /// Makes a job due now; creates it if missing.
    pub fn wake(mut self, worker: Worker, id: Uuid) -> Self {
        self.wake.push(self.row(worker, id, Duration::ZERO));
        self
    }

    fn row(&self, worker: Worker, id: Uuid, due_in: Duration) -> JobRow {
        JobRow {
            worker: worker.name(),
            id,
            merchant_id: self.merchant_id.0,
            live: self.mode.is_live(),
            due_in: due_in.as_secs_f64(),
        }
    }

    /// Completes the worker's own job: nothing is left to do.
    pub fn complete(self, lease: Lease) -> Self {
        self.lease(lease, None)
    }

    /// Extends the worker's lease to this long from now.
    pub fn extend(self, lease: Lease, by: Duration) -> Self {
        self.lease(lease, Some(by.as_secs_f64()))
    }

    fn lease(mut self, lease: Lease, extend_by: Option<f64>) -> Self {
        self.lease = Some(LeaseRow {
            id: lease.id,
            lease: lease.token,
            extend_by,
        });
        self
    }

    /// How many versions the history entries add to the payment.
    pub(crate) fn versions(&self) -> i32 {
        i32::try_from(self.history.len()).unwrap_or(i32::MAX)
    }

    /// Whether nothing here is visible to a merchant or the ledger.
    pub(crate) const fn is_private(&self) -> bool {
        self.postings.is_empty() && self.event.is_none()
    }

    /// Whether the worker keeps its lease.
    pub(crate) fn extends_lease(&self) -> bool {
        self.lease
            .as_ref()
            .is_some_and(|lease| lease.extend_by.is_some())
    }

    pub(crate) fn event_id(&self) -> Option<Uuid> {
        self.event.as_ref().map(|event| event.id)
    }
}

/// The deliveries that a statement wrote, by event, as jobs to publish after the commit.
#[derive(Debug, Default)]
pub(crate) struct Deliveries(HashMap<Uuid, Vec<Job>>);

impl Deliveries {
    /// Adds a delivery of this event.
    pub(crate) fn add(&mut self, event: Uuid, delivery: DeliveryId) {
        let job = delivery_job(delivery);
        self.0.entry(event).or_default().push(job);
    }

    /// The jobs of this event's deliveries.
    pub(crate) fn take(&mut self, event: Option<Uuid>) -> Vec<Job> {
        let jobs = event.and_then(|event| self.0.remove(&event));
        jobs.unwrap_or_default()
    }
}

/// The job of a delivery that was just written.
pub(crate) fn delivery_job(id: DeliveryId) -> Job {
    Job {
        worker: Worker::Webhook,
        id: id.0,
        seq: FIRST_SEQ,
    }
}

/// Writes effects in the transaction that moved the row. Returns the jobs to publish after the commit.
pub(crate) async fn record(db: &mut PgConnection, effects: &Effects) -> Result<Vec<Job>> {
    let deliveries = record_all(db, slice::from_ref(effects)).await?;
    Ok(deliveries.0.into_values().flatten().collect())
}

/// Writes the effects of several rows.
pub(crate) async fn record_all(db: &mut PgConnection, effects: &[Effects]) -> Result<Deliveries> {
    let rows = sqlx::query!(
        r#"select event_id as "event_id!", delivery_id as "delivery_id!" from record_effects($1)"#,
        Json(effects) as _,
    )
    .fetch_all(db)
    .await?;
    let mut deliveries = Deliveries::default();
    for row in rows {
        deliveries.add(row.event_id, DeliveryId(row.delivery_id));
    }
    Ok(deliveries)
}
