//! One claimed payment, worked on step by step. Each step is one call to the acquirer at most, and
//! one change written before the next.

use std::time::Duration;

use apalis_core::error::BoxDynError;
use domain::authorization::{self, ATTEMPTS_MAX, ask_again_after};
use domain::id::AuthorizationId;
use domain::intent::Intent;
use domain::payment::{self, State};
use domain::work::{self, Outcome, Worker};
use store::outbox::{self, FIRST_SEQ};
use store::payments::{self, Attempt, Changed, Claimed, Job};
use time::OffsetDateTime;

use super::Desk;
use super::acquirer::{Acquirer, Authorize, Authorized, Captured, Found, NoAnswer};
use super::acquirers::sandbox::Sandbox;
use super::change;

/// How long to let an acquirer think before asking again.
const PROCESSING: Duration = Duration::from_secs(1);

/// How a step ended.
enum Step {
    /// Something was written; the next step follows.
    Next,
    /// Nothing more now.
    End(Outcome),
}

/// A claimed payment.
pub struct Case<'a> {
    desk: &'a Desk,
    claimed: Claimed,
    /// What the payment pays.
    intent: Option<Intent>,
    /// Our claim; an attempt with this id was opened by it, and nothing was sent under it yet.
    lease: AuthorizationId,
}

impl<'a> Case<'a> {
    pub fn new(
        desk: &'a Desk,
        claimed: Claimed,
        intent: Option<Intent>,
        lease: AuthorizationId,
    ) -> Self {
        Self {
            desk,
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
    pub async fn work(&mut self, job: work::Job) -> Result<Outcome, BoxDynError> {
        let acquirers = std::sync::Arc::clone(&self.desk.acquirers);
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

    async fn step(&mut self, acquirer: &Sandbox, job: work::Job) -> Result<Step, BoxDynError> {
        if let Some(attempt) = self.closed(authorization::State::Voiding) {
            return self.void(acquirer, attempt).await;
        }
        match (self.state(), self.claimed.attempt) {
            (State::Created, _) => self.expire().await,
            (State::Authorizing, Some(attempt)) => match attempt.state {
                authorization::State::Sending if attempt.id == self.lease => {
                    self.authorize(acquirer, attempt).await
                }
                authorization::State::Sending => {
                    self.happened(attempt, authorization::Event::Lost, None)
                        .await
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
                outbox::clear(&self.desk.db, job).await?;
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
            _ => self.write(None, Some(payment::Event::Expired), None).await,
        }
    }

    async fn authorize(
        &mut self,
        acquirer: &Sandbox,
        attempt: Attempt,
    ) -> Result<Step, BoxDynError> {
        let payment = &self.claimed.payment;
        let sealed = self
            .claimed
            .card
            .as_ref()
            .ok_or("the sealed card is gone")?;
        let keys = &self.desk.keys;
        let Ok(card) = keys.open_card(sealed, payment.merchant_id, payment.id) else {
            // Nothing was sent. Trying on would use up the attempts of a good payment.
            let why = "the private key for this card is not in this worker's folder".to_owned();
            return Ok(Step::End(Outcome::GiveUp { why }));
        };
        let fingerprint = self.desk.keys.fingerprint(&card);
        let what = Authorize {
            reference: attempt.id,
            payment: payment.id,
            money: payment.money,
            card: &card,
        };
        let answer = acquirer.authorize(what).await;
        drop(card);
        match answer {
            Ok(answer) => {
                let (event, outcome) = decided(answer);
                let step = self
                    .write(Some((attempt, event)), Some(outcome), Some(fingerprint))
                    .await?;
                match step {
                    Step::End(_) if self.is_overtaken() => self.overtaken(attempt, answer).await,
                    step => Ok(step),
                }
            }
            Err(NoAnswer(why)) => {
                tracing::warn!(payment = %self.claimed.payment.id, why, "an authorization's answer is lost");
                self.happened(attempt, authorization::Event::Lost, None)
                    .await
            }
        }
    }

    async fn enquire(&mut self, acquirer: &Sandbox, attempt: Attempt) -> Result<Step, BoxDynError> {
        let answer = match acquirer
            .enquire(attempt.id, self.claimed.payment.money)
            .await
        {
            Ok(Found::Approved | Found::Captured) => Authorized::Approved,
            Ok(Found::Declined(failure)) => Authorized::Declined(failure),
            Ok(Found::Nothing) => {
                return self
                    .happened(attempt, authorization::Event::NotFound, None)
                    .await;
            }
            Ok(Found::Processing) => return Ok(Step::End(Outcome::Again { after: PROCESSING })),
            Err(no_answer) => return Ok(self.ask_again(no_answer)),
        };
        let (event, outcome) = decided(answer);
        let fingerprint = self.fingerprint();
        self.write(Some((attempt, event)), Some(outcome), fingerprint)
            .await
    }

    async fn reverse(&mut self, acquirer: &Sandbox, attempt: Attempt) -> Result<Step, BoxDynError> {
        if let Err(no_answer) = acquirer.void(attempt.id).await {
            return Ok(self.ask_again(no_answer));
        }
        let outcome = (attempt.number >= ATTEMPTS_MAX).then_some(payment::Event::Abandoned);
        let step = self
            .happened(attempt, authorization::Event::Acknowledged, outcome)
            .await?;
        match (step, outcome) {
            // The next claim opens the next attempt.
            (Step::Next, None) => Ok(Step::End(Outcome::Again {
                after: Duration::ZERO,
            })),
            (step, _) => Ok(step),
        }
    }

    async fn capture(&mut self, acquirer: &Sandbox, attempt: Attempt) -> Result<Step, BoxDynError> {
        let money = self.claimed.payment.money;
        match acquirer.capture(attempt.id, money).await {
            Ok(Captured::Done) => self.write(None, Some(payment::Event::Captured), None).await,
            Ok(Captured::Refused) => {
                let unwanted = (attempt, authorization::Event::Unwanted);
                self.write(Some(unwanted), Some(payment::Event::CaptureRefused), None)
                    .await
            }
            // A capture may be sent again: the acquirer takes the held amount once.
            Err(no_answer) => Ok(self.ask_again(no_answer)),
        }
    }

    /// Looks once more at a reversed attempt, when an acquirer that breaks its promise has had time
    /// to do so.
    async fn watch(&mut self, acquirer: &Sandbox, attempt: Attempt) -> Result<Step, BoxDynError> {
        if self.claimed.watch_seconds > 0.0 {
            let after = Duration::try_from_secs_f64(self.claimed.watch_seconds)?;
            return Ok(Step::End(Outcome::Again { after }));
        }
        let event = match acquirer
            .enquire(attempt.id, self.claimed.payment.money)
            .await
        {
            Ok(Found::Nothing | Found::Declined(_)) => authorization::Event::NotFound,
            Ok(Found::Approved | Found::Captured) => {
                tracing::error!(attempt = %attempt.id, "approved in spite of its reversal: voiding it");
                authorization::Event::Approved
            }
            Ok(Found::Processing) => return Ok(Step::End(Outcome::Again { after: PROCESSING })),
            Err(no_answer) => return Ok(self.ask_again(no_answer)),
        };
        self.happened(attempt, event, None).await
    }

    async fn void(&mut self, acquirer: &Sandbox, attempt: Attempt) -> Result<Step, BoxDynError> {
        match acquirer.void(attempt.id).await {
            Ok(()) => {
                self.happened(attempt, authorization::Event::Acknowledged, None)
                    .await
            }
            Err(no_answer) => Ok(self.ask_again(no_answer)),
        }
    }

    fn ask_again(&self, NoAnswer(why): NoAnswer) -> Step {
        let payment = &self.claimed.payment;
        tracing::warn!(payment = %payment.id, why, "the acquirer gave no answer, asking again later");
        let age = OffsetDateTime::now_utc() - payment.created_at;
        let after = ask_again_after(age.try_into().unwrap_or_default());
        Step::End(Outcome::Again { after })
    }

    fn fingerprint(&self) -> Option<Vec<u8>> {
        let payment = &self.claimed.payment;
        let sealed = self.claimed.card.as_ref()?;
        let card = self
            .desk
            .keys
            .open_card(sealed, payment.merchant_id, payment.id)
            .ok()?;
        Some(self.desk.keys.fingerprint(&card))
    }

    /// Something happened to an attempt, and perhaps with it to the payment.
    async fn happened(
        &mut self,
        attempt: Attempt,
        event: authorization::Event,
        outcome: Option<payment::Event>,
    ) -> Result<Step, BoxDynError> {
        self.write(Some((attempt, event)), outcome, None).await
    }

    /// Asks the domain what follows and writes all of it.
    async fn write(
        &mut self,
        happened: Option<(Attempt, authorization::Event)>,
        outcome: Option<payment::Event>,
        fingerprint: Option<Vec<u8>>,
    ) -> Result<Step, BoxDynError> {
        let change = change::of(
            &self.claimed,
            self.intent.as_ref(),
            happened,
            outcome,
            fingerprint,
        )?;
        let (state, authorization) = (change.state, change.authorization);
        let is_over = change.job == Job::Clear;
        match self.desk.changes.run(change).await? {
            Changed::Overtaken => {
                tracing::info!(payment = %self.claimed.payment.id, "overtaken by another worker");
                self.claimed.version = -1;
                Ok(Step::End(Outcome::Done))
            }
            Changed::Written {
                version,
                deliveries,
            } => {
                for delivery in deliveries {
                    let job = work::Job {
                        worker: Worker::Webhook,
                        id: delivery.0,
                        seq: FIRST_SEQ,
                    };
                    self.desk.bell.ring(job, None);
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
        if state.is_work() {
            claimed.watch_seconds = authorization::WATCH.as_secs_f64();
            claimed.closed.push(attempt);
        }
    }

    const fn is_overtaken(&self) -> bool {
        self.claimed.version < 0
    }

    /// An answer came too late: another worker has taken the payment on. If it closed the attempt
    /// and this is an approval, the approval must be voided; otherwise that worker's enquiry finds
    /// the answer.
    async fn overtaken(
        &mut self,
        attempt: Attempt,
        answer: Authorized,
    ) -> Result<Step, BoxDynError> {
        let done = Ok(Step::End(Outcome::Done));
        let payment = self.claimed.payment.id;
        let Some((state, version, attempt)) =
            payments::reread(&self.desk.db, payment, attempt.id).await?
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
        let change = change::late_approval(payment, state, version, (attempt.id, next));
        match self.desk.changes.run(change).await? {
            Changed::Written { .. } => done,
            // The job is retried by backoff, but the answer in hand would be gone: try again now.
            Changed::Overtaken => Box::pin(self.overtaken(attempt, answer)).await,
        }
    }
}

fn decided(answer: Authorized) -> (authorization::Event, payment::Event) {
    match answer {
        Authorized::Approved => (authorization::Event::Approved, payment::Event::Authorized),
        Authorized::Declined(failure) => (
            authorization::Event::Declined,
            payment::Event::Declined(failure),
        ),
    }
}
