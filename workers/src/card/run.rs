//! Advances one claimed payment step by step. A step makes at most one call to the acquirer and writes
//! one transition before the next step, so that a crash loses at most one response, which an enquiry
//! finds again. The exception: an approval is captured immediately, and one transition records both.

mod steps;

use std::time::{Duration, Instant};

use apalis_core::error::BoxDynError;
use domain::authorization;
use domain::id::AuthorizationId;
use domain::intent::Intent;
use domain::job::Outcome;
use domain::payment::{self, State};
use domain::risk::{self, Verdict};
use store::jobs;
use store::payments::{self, Approval, Attempt, CardPayment, Written};
use store::risk::Outcome as CardOutcome;

use super::{Context, transition};
use crate::acquirers::{Acquirer, Authorized};
use crate::runtime::{self, HeldLease};

/// How a step ended.
enum Step {
    /// A transition was written; the next step follows.
    Next,
    /// The run ends.
    End(Outcome),
}

/// What happened to an attempt.
pub(super) struct AttemptEvent {
    pub attempt: Attempt,
    pub event: authorization::Event,
    /// The approval's details, if the event is an approval.
    pub approval: Approval,
}

impl AttemptEvent {
    fn new(attempt: Attempt, event: authorization::Event) -> Self {
        Self {
            attempt,
            event,
            approval: Approval::default(),
        }
    }
}

/// What the worker knows of a card after opening it.
pub(super) struct OpenedCard {
    pub fingerprint: Vec<u8>,
    /// The verdict that declined it without the acquirer, if one did.
    pub verdict: Option<Verdict>,
}

/// The processing of one claimed payment.
pub struct Run<'a> {
    context: &'a Context,
    claimed: CardPayment,
    /// The payment's intent, if it has one.
    intent: Option<Intent>,
    held: HeldLease,
}

impl<'a> Run<'a> {
    pub fn new(
        context: &'a Context,
        claimed: CardPayment,
        intent: Option<Intent>,
        held: HeldLease,
    ) -> Self {
        Self {
            context,
            claimed,
            intent,
            held,
        }
    }

    /// Advances the payment until it is final or must wait.
    pub async fn work(&mut self) -> Result<Outcome, BoxDynError> {
        let acquirers = std::sync::Arc::clone(&self.context.acquirers);
        let mode = self.claimed.payment.mode;
        loop {
            // Attempts of one payment may be with different acquirers.
            let attempt = self.next_attempt();
            let name = attempt.as_ref().map(|attempt| attempt.acquirer.as_str());
            let step = match name.map(|name| (name, acquirers.get(name, mode))) {
                None => self.step_without_acquirer().await?,
                Some((_, Some(acquirer))) => self.step(acquirer).await?,
                Some((name, None)) => {
                    self.discard_unsent().await?;
                    let reason = format!("no acquirer {name} for {} payments", mode.name());
                    return Ok(Outcome::Park { reason });
                }
            };
            match step {
                Step::Next => {}
                Step::End(outcome) => return Ok(outcome),
            }
        }
    }

    /// The attempt of the next step. Voids and refunds come first: they return money of the payer that
    /// the payment does not need.
    fn next_attempt(&self) -> Option<Attempt> {
        let voiding = self.closed(authorization::State::Voiding);
        let returning = voiding.or_else(|| self.closed(authorization::State::Refunding));
        returning.or_else(|| match self.claimed.payment.state {
            State::Authorizing | State::Capturing => self.claimed.attempt.clone(),
            State::Created => None,
            State::Captured | State::Failed | State::Expired => {
                self.closed(authorization::State::Watching)
            }
        })
    }

    /// Deletes the attempt that this claim opened, if no request was sent to the acquirer.
    async fn discard_unsent(&self) -> store::Result<()> {
        payments::discard_unsent(&self.context.db, self.held.lease.token).await
    }

    /// A step that needs no acquirer.
    async fn step_without_acquirer(&mut self) -> Result<Step, BoxDynError> {
        match self.claimed.payment.state {
            State::Created => self.expire().await,
            State::Authorizing | State::Capturing => {
                Err("a payment in progress has no open attempt".into())
            }
            State::Captured | State::Failed | State::Expired => {
                jobs::complete(&self.context.db, self.held.lease).await?;
                Ok(Step::End(Outcome::Done))
            }
        }
    }

    async fn step(&mut self, acquirer: &dyn Acquirer) -> Result<Step, BoxDynError> {
        // A capture that is refused makes a second call.
        if !self.held.covers(self.context.acquirer_timeout * 2) {
            self.discard_unsent().await?;
            return Ok(Step::End(runtime::lease_lost(&self.held)));
        }
        if let Some(attempt) = self.closed(authorization::State::Voiding) {
            return self.void(acquirer, attempt).await;
        }
        if let Some(attempt) = self.closed(authorization::State::Refunding) {
            return self.refund(acquirer, attempt).await;
        }
        match (self.claimed.payment.state, self.claimed.attempt.clone()) {
            (State::Authorizing, Some(attempt)) => match attempt.state {
                // A claim that opens an attempt gives it the id of its lease: nothing was sent yet.
                authorization::State::Sending if attempt.id.0 == self.held.lease.token => {
                    self.authorize(acquirer, attempt).await
                }
                authorization::State::Sending => {
                    self.record(attempt, authorization::Event::ResponseLost, None)
                        .await
                }
                authorization::State::Enquiring => self.enquire(acquirer, attempt).await,
                authorization::State::Reversing => self.reverse(acquirer, attempt).await,
                _ => Err("an authorizing payment has no attempt in progress".into()),
            },
            (State::Capturing, Some(attempt)) => self.capture(acquirer, attempt).await,
            _ => match self.closed(authorization::State::Watching) {
                Some(attempt) => self.watch(acquirer, attempt).await,
                None => self.step_without_acquirer().await,
            },
        }
    }

    fn closed(&self, state: authorization::State) -> Option<Attempt> {
        let mut closed = self.claimed.closed.iter();
        closed.find(|attempt| attempt.state == state).cloned()
    }

    async fn expire(&mut self) -> Result<Step, BoxDynError> {
        match self.claimed.expires_in {
            Some(after) if !after.is_zero() => Ok(Step::End(Outcome::Reschedule { after })),
            _ => self.write(None, &[payment::Event::Expired], None).await,
        }
    }

    /// Writes an event of an attempt, with the payment's event that follows from it, if any.
    async fn record(
        &mut self,
        attempt: Attempt,
        event: authorization::Event,
        payment_event: Option<payment::Event>,
    ) -> Result<Step, BoxDynError> {
        let attempt_event = AttemptEvent::new(attempt, event);
        self.write(Some(attempt_event), payment_event.as_slice(), None)
            .await
    }

    /// Writes the transition that the crate `domain` derives from the events, with its effects.
    async fn write(
        &mut self,
        attempt_event: Option<AttemptEvent>,
        payment_events: &[payment::Event],
        card: Option<OpenedCard>,
    ) -> Result<Step, BoxDynError> {
        let intent = self.intent.as_ref();
        let (transition, is_complete) = transition::of(
            &self.claimed,
            intent,
            attempt_event.as_ref(),
            payment_events,
            card.as_ref(),
            self.held.lease,
            self.held.lasts,
        )?;
        let state = transition.to;
        let attempt = transition
            .attempt
            .as_ref()
            .map(|attempt| (attempt.id, attempt.to));
        let started = Instant::now();
        match self.context.transitions.run(transition).await? {
            Written::Conflict => {
                tracing::info!(payment = %self.claimed.payment.id, "another worker changed the payment first, will read it again");
                self.claimed.version = -1;
                Ok(Step::End(Outcome::Reschedule {
                    after: Duration::ZERO,
                }))
            }
            Written::Done { version, jobs } => {
                for job in jobs {
                    let merchant = self.claimed.payment.merchant_id;
                    self.context.publisher.publish(job, merchant, None);
                }
                self.held.extended_at(started);
                self.claimed.version = version;
                self.claimed.payment.state = state;
                if let Some((id, state)) = attempt {
                    self.update_attempt(id, state);
                }
                if let (Some(card), Some(outcome)) = (card, payment_events.first()) {
                    self.count(card, *outcome).await;
                }
                Ok(if is_complete {
                    Step::End(Outcome::Done)
                } else {
                    Step::Next
                })
            }
        }
    }

    /// Counts the outcome of a card against card testing.
    async fn count(&self, card: OpenedCard, outcome: payment::Event) {
        let OpenedCard {
            fingerprint,
            verdict,
        } = card;
        let is_declined = outcome.failure().is_some_and(risk::is_decline);
        let is_by_issuer = is_declined && verdict.is_none();
        let outcome = CardOutcome {
            merchant_id: self.claimed.payment.merchant_id,
            mode: self.claimed.payment.mode,
            is_declined,
            declined: is_by_issuer.then_some(fingerprint),
        };
        self.context.risk.count(outcome).await;
    }

    /// Updates the claimed attempts after a transition.
    fn update_attempt(&mut self, id: AuthorizationId, state: authorization::State) {
        let claimed = &mut self.claimed;
        let mut known = claimed.closed.iter().chain(&claimed.attempt);
        let Some(attempt) = known.find(|attempt| attempt.id == id).cloned() else {
            return;
        };
        let attempt = Attempt { state, ..attempt };
        claimed.closed.retain(|closed| closed.id != id);
        if state.is_open() {
            claimed.attempt = Some(attempt);
            return;
        }
        claimed.attempt = claimed.attempt.take().filter(|open| open.id != id);
        if state.is_in_progress() {
            claimed.watch = authorization::WATCH;
            claimed.closed.push(attempt);
        }
    }

    /// Whether the last write found that another worker had changed the payment; [`Run::write`] marks it
    /// with version -1.
    const fn has_conflict(&self) -> bool {
        self.claimed.version < 0
    }

    /// Handles a response that arrived after another worker changed the payment. If that worker closed the
    /// attempt and the response is an approval, the approval must be voided: nobody else knows of it.
    /// Otherwise the other worker's enquiry finds the response.
    async fn conflict(
        &mut self,
        attempt: Attempt,
        response: Authorized,
    ) -> Result<Step, BoxDynError> {
        let done = Ok(Step::End(Outcome::Done));
        let payment = &self.claimed.payment;
        let Some((state, version, attempt)) =
            payments::reread(&self.context.db, payment.id, attempt.id).await?
        else {
            return done;
        };
        let Authorized::Approved(approval) = &response else {
            return done;
        };
        if attempt.state.is_open() || attempt.state.next(authorization::Event::Approved).is_err() {
            return done;
        }
        tracing::error!(payment = %payment.id, attempt = %attempt.id, "late approval of a closed attempt, will void it");
        let event = AttemptEvent {
            attempt: attempt.clone(),
            event: authorization::Event::Approved,
            approval: approval.clone(),
        };
        let transition = transition::late_approval(payment, state, version, &event)?;
        match self.context.transitions.run(transition).await? {
            Written::Done { .. } => done,
            // Retry now: the response exists only in this process, and ending the run would lose it.
            Written::Conflict => Box::pin(self.conflict(attempt, response)).await,
        }
    }
}
