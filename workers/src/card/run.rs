//! One claimed payment, worked on step by step. Each step is one call to the acquirer at most, and
//! one change written before the next; but an approval is captured at once and both are written in
//! one.

mod steps;

use std::time::{Duration, Instant};

use apalis_core::error::BoxDynError;
use domain::authorization;
use domain::id::AuthorizationId;
use domain::intent::Intent;
use domain::job::{self, Outcome, Worker};
use domain::payment::{self, State};
use store::jobs::{self, FIRST_SEQ};
use store::payments::{self, Attempt, Claimed, Job, Written};

use super::Context;
use super::transition;
use crate::acquirers::Authorized;
use crate::acquirers::sandbox::Sandbox;

/// How a step ended.
enum Step {
    /// Something was written; the next step follows.
    Next,
    /// Nothing more now.
    End(Outcome),
}

/// A claimed payment.
pub struct Run<'a> {
    context: &'a Context,
    claimed: Claimed,
    /// What the payment pays.
    intent: Option<Intent>,
    lease: Lease,
}

/// Our claim.
#[derive(Clone, Copy)]
pub struct Lease {
    /// An attempt with this id was opened by it, and nothing was sent under it yet.
    pub id: AuthorizationId,
    /// No other worker takes the payment on before this.
    pub ends: Instant,
}

impl Lease {
    /// The lease of a claim that is about to be made.
    pub fn new() -> Self {
        Self {
            id: AuthorizationId(store::new_id()),
            ends: Instant::now() + payments::LEASE,
        }
    }
}

impl<'a> Run<'a> {
    pub fn new(
        context: &'a Context,
        claimed: Claimed,
        intent: Option<Intent>,
        lease: Lease,
    ) -> Self {
        Self {
            context,
            claimed,
            intent,
            lease,
        }
    }

    /// The payment's state as last written.
    pub fn state(&self) -> State {
        self.claimed.payment.state
    }

    /// Works until the payment rests or must wait.
    pub async fn work(&mut self, job: job::Job) -> Result<Outcome, BoxDynError> {
        let acquirers = std::sync::Arc::clone(&self.context.acquirers);
        let Some(acquirer) = acquirers.of(self.claimed.payment.mode) else {
            return Ok(Outcome::GiveUp {
                why: "no acquirer takes live payments".to_owned(),
            });
        };
        loop {
            match self.step(acquirer, job).await? {
                Step::Next => {}
                Step::End(outcome) => return Ok(outcome),
            }
        }
    }

    async fn step(&mut self, acquirer: &Sandbox, job: job::Job) -> Result<Step, BoxDynError> {
        if let Some(attempt) = self.closed(authorization::State::Voiding) {
            return self.void(acquirer, attempt).await;
        }
        match (self.state(), self.claimed.attempt) {
            (State::Created, _) => self.expire().await,
            (State::Authorizing, Some(attempt)) => match attempt.state {
                authorization::State::Sending if attempt.id == self.lease.id => {
                    self.authorize(acquirer, attempt).await
                }
                authorization::State::Sending => {
                    self.record(attempt, authorization::Event::Lost, None).await
                }
                authorization::State::Enquiring => self.enquire(acquirer, attempt).await,
                authorization::State::Reversing => self.reverse(acquirer, attempt).await,
                _ => Err("an authorizing payment has no attempt to work on".into()),
            },
            (State::Capturing, Some(attempt)) => self.capture(acquirer, attempt).await,
            (State::Authorizing | State::Capturing, None) => {
                Err("a payment in work has no open attempt".into())
            }
            (State::Captured | State::Failed | State::Expired, _) => {
                if let Some(attempt) = self.closed(authorization::State::Watching) {
                    return self.watch(acquirer, attempt).await;
                }
                jobs::complete(&self.context.db, job).await?;
                Ok(Step::End(Outcome::Done))
            }
        }
    }

    fn closed(&self, state: authorization::State) -> Option<Attempt> {
        let mut closed = self.claimed.closed.iter();
        closed.find(|attempt| attempt.state == state).copied()
    }

    async fn expire(&mut self) -> Result<Step, BoxDynError> {
        match self.claimed.expires_in_seconds {
            Some(left) if left > 0.0 => {
                let after = Duration::try_from_secs_f64(left)?;
                Ok(Step::End(Outcome::Again { after }))
            }
            _ => self.write(None, &[payment::Event::Expired], None).await,
        }
    }

    /// Something happened to an attempt, and perhaps with it to the payment.
    async fn record(
        &mut self,
        attempt: Attempt,
        event: authorization::Event,
        outcome: Option<payment::Event>,
    ) -> Result<Step, BoxDynError> {
        self.write(Some((attempt, event)), outcome.as_slice(), None)
            .await
    }

    /// Asks the domain what follows and writes all of it.
    async fn write(
        &mut self,
        attempted: Option<(Attempt, authorization::Event)>,
        outcomes: &[payment::Event],
        fingerprint: Option<Vec<u8>>,
    ) -> Result<Step, BoxDynError> {
        let intent = self.intent.as_ref();
        let change = transition::of(&self.claimed, intent, attempted, outcomes, fingerprint)?;
        let (state, authorization) = (change.state, change.authorization);
        let is_over = change.job == Job::Complete;
        match self.context.changes.run(change).await? {
            Written::Conflict => {
                tracing::info!(payment = %self.claimed.payment.id, "overtaken by another worker");
                self.claimed.version = -1;
                Ok(Step::End(Outcome::Done))
            }
            Written::Done {
                version,
                deliveries,
            } => {
                for delivery in deliveries {
                    let job = job::Job {
                        worker: Worker::Webhook,
                        id: delivery.0,
                        seq: FIRST_SEQ,
                    };
                    self.context.publisher.publish(job, None);
                }
                self.claimed.version = version;
                self.claimed.payment.state = state;
                if let Some((id, state)) = authorization {
                    self.moved(id, state);
                }
                Ok(if is_over {
                    Step::End(Outcome::Done)
                } else {
                    Step::Next
                })
            }
        }
    }

    fn moved(&mut self, id: AuthorizationId, state: authorization::State) {
        let claimed = &mut self.claimed;
        let known = claimed.closed.iter().chain(&claimed.attempt);
        let Some(attempt) = known.copied().find(|attempt| attempt.id == id) else {
            return;
        };
        let attempt = Attempt { state, ..attempt };
        claimed.closed.retain(|closed| closed.id != id);
        if state.is_open() {
            claimed.attempt = Some(attempt);
            return;
        }
        claimed.attempt = claimed.attempt.filter(|open| open.id != id);
        if state.is_in_progress() {
            claimed.watch_seconds = authorization::WATCH.as_secs_f64();
            claimed.closed.push(attempt);
        }
    }

    const fn has_conflict(&self) -> bool {
        self.claimed.version < 0
    }

    /// An answer came too late: another worker has taken the payment on. If it closed the attempt
    /// and this is an approval, the approval must be voided; otherwise that worker's enquiry finds
    /// the answer.
    async fn conflict(
        &mut self,
        attempt: Attempt,
        answer: Authorized,
    ) -> Result<Step, BoxDynError> {
        let done = Ok(Step::End(Outcome::Done));
        let payment = self.claimed.payment.id;
        let Some((state, version, attempt)) =
            payments::reread(&self.context.db, payment, attempt.id).await?
        else {
            return done;
        };
        if answer != Authorized::Approved || attempt.state.is_open() {
            return done;
        }
        let Ok(next) = attempt.state.next(authorization::Event::Approved) else {
            return done;
        };
        tracing::error!(%payment, attempt = %attempt.id, "an approval reached a closed attempt: voiding it");
        let change = transition::late_approval(payment, state, version, (attempt.id, next));
        match self.context.changes.run(change).await? {
            Written::Done { .. } => done,
            // The job is retried by backoff, but the answer in hand would be gone: try again now.
            Written::Conflict => Box::pin(self.conflict(attempt, answer)).await,
        }
    }
}
