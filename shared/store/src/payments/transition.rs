//! Transitions of payments: one statement writes the new state with all effects, or nothing.

use std::collections::HashMap;

use domain::authorization;
use domain::id::{AuthorizationId, DeliveryId, PaymentId};
use domain::job::Job;
use domain::payment::{Failure, State};
use domain::risk::Verdict;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use crate::Result;
use crate::batch::{Batch, Statement};
use crate::effects::{Deliveries, Effects};

/// The details of an acquirer's approval.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Approval {
    /// The approved amount in major units, if the acquirer provides it.
    pub amount: Option<Decimal>,
    /// The approval code, if the acquirer provides one; at most 64 characters.
    pub code: Option<String>,
}

/// The attempt's part of a transition.
#[derive(Debug, Clone)]
pub struct AttemptTransition {
    /// The attempt.
    pub id: AuthorizationId,
    /// The state that was read.
    pub from: authorization::State,
    /// The new state.
    pub to: authorization::State,
    /// The approval's details, if the event is an approval.
    pub approval: Approval,
}

/// The transition of a payment, of one of its attempts, or of both. Nothing else changes their states.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The payment.
    pub payment_id: PaymentId,
    /// The version that was read. If the payment has another one now, nothing is written.
    pub version: i32,
    /// The state that was read.
    pub from: State,
    /// The new state.
    pub to: State,
    /// Why the payment failed, if it did.
    pub failure: Option<Failure>,
    /// The attempt that the event is about.
    pub attempt: Option<AttemptTransition>,
    /// HMAC of the card number, once the card was opened.
    pub fingerprint: Option<Vec<u8>>,
    /// The verdict that declined the card, if one did.
    pub verdict: Option<Verdict>,
    /// Whether to delete the sealed card: the outcome is known (PCI DSS 3.3.2).
    pub forget_card: bool,
    /// History, postings, event and jobs.
    pub effects: Effects,
}

/// A row of the statement's input.
#[derive(Serialize)]
struct Input<'a> {
    ord: usize,
    payment_id: uuid::Uuid,
    version: i32,
    from_state: &'static str,
    to_state: &'static str,
    new_version: i32,
    failure: Option<&'static str>,
    fingerprint: Option<String>,
    authorization_id: Option<uuid::Uuid>,
    authorization_from: Option<&'static str>,
    authorization_to: Option<&'static str>,
    approved_amount: Option<String>,
    approval_code: Option<&'a str>,
    forget_card: bool,
    verdict_rule: Option<&'static str>,
    verdict_declines: Option<u64>,
    effects: &'a Effects,
}

impl Transition {
    /// Whether a crash of the database may lose this transition, so that writing it need not wait for the
    /// disk. It may if nobody has seen the result and the payment stays in progress under the same lease:
    /// the next claim then asks the acquirer again.
    fn is_recoverable(&self) -> bool {
        self.to.is_in_progress() && self.effects.is_private() && self.effects.extends_lease()
    }

    fn input(&self, ord: usize) -> Input<'_> {
        let attempt = self.attempt.as_ref();
        let approval = attempt.map(|attempt| &attempt.approval);
        Input {
            ord,
            payment_id: self.payment_id.0,
            version: self.version,
            from_state: self.from.name(),
            to_state: self.to.name(),
            new_version: self.version.saturating_add(self.effects.versions()),
            failure: self.failure.map(Failure::name),
            fingerprint: self.fingerprint.as_ref().map(hex::encode),
            authorization_id: attempt.map(|attempt| attempt.id.0),
            authorization_from: attempt.map(|attempt| attempt.from.name()),
            authorization_to: attempt.map(|attempt| attempt.to.name()),
            approved_amount: approval.and_then(|one| one.amount.map(|amount| amount.to_string())),
            approval_code: approval.and_then(|one| one.code.as_deref()),
            forget_card: self.forget_card,
            verdict_rule: self.verdict.map(|verdict| verdict.rule.name()),
            verdict_declines: self.verdict.map(|verdict| verdict.declines),
            effects: &self.effects,
        }
    }
}

/// The outcome of a [`Transition`].
#[derive(Debug)]
pub enum Written {
    /// The transition is written.
    Done {
        /// The payment's new version.
        version: i32,
        /// The jobs to publish.
        jobs: Vec<Job>,
    },
    /// Another worker moved the payment first. Nothing is written: read the payment again.
    Conflict,
}

/// Writes transitions, in two batches: those that wait for the disk do not delay those that need not.
#[derive(Clone)]
pub struct Transitions {
    synchronous: Batch<Transition>,
    asynchronous: Batch<Transition>,
}

impl Transitions {
    /// Starts the batches' tasks; they end when the last clone is dropped.
    pub fn start(db: &PgPool) -> Self {
        Self {
            synchronous: Batch::start(db),
            asynchronous: Batch::start(db),
        }
    }

    /// Writes a transition, in one batch with concurrent ones.
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

    async fn run(db: &mut PgConnection, rows: &[Transition]) -> Result<Vec<Option<Written>>> {
        let input: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(ord, row)| row.input(ord))
            .collect();
        let written = sqlx::query_file!(
            "src/payments/transition.sql",
            Json(&input) as _,
            rows.iter().all(Transition::is_recoverable),
        )
        .fetch_all(db)
        .await?;
        let (mut versions, mut deliveries) = (HashMap::new(), Deliveries::default());
        for row in written {
            if let (Some(ord), Some(version)) = (row.ord, row.version) {
                versions.insert(usize::try_from(ord).unwrap_or(usize::MAX), version);
            }
            if let (Some(event), Some(delivery)) = (row.event_id, row.delivery_id) {
                deliveries.add(event, DeliveryId(delivery));
            }
        }
        let outputs = rows.iter().enumerate().map(|(ord, row)| {
            Some(match versions.remove(&ord) {
                None => Written::Conflict,
                Some(version) => {
                    let jobs = deliveries.take(row.effects.event_id());
                    Written::Done { version, jobs }
                }
            })
        });
        Ok(outputs.collect())
    }
}
