//! The steps of a run: one call to the acquirer each, and the transition that its response makes.

use std::time::{Duration, Instant};

use apalis_core::error::BoxDynError;
use domain::authorization::{self, ATTEMPTS_MAX, retry_after_age};
use domain::job::Outcome;
use domain::payment;
use store::payments::{Approval, Attempt};
use time::OffsetDateTime;

use super::{AttemptEvent, Run, Step};
use crate::acquirers::{Acquirer, Authorize, Authorized, Captured, Found, Indeterminate};

/// How long to let an acquirer think before asking again.
const PROCESSING: Duration = Duration::from_secs(1);

impl Run<'_> {
    pub(super) async fn authorize(
        &mut self,
        acquirer: &dyn Acquirer,
        attempt: Attempt,
    ) -> Result<Step, BoxDynError> {
        let payment = &self.claimed.payment;
        let sealed = self
            .claimed
            .card
            .as_ref()
            .ok_or("the sealed card is gone")?;
        let keys = &self.context.keys;
        let Ok(card) = keys.open_card(sealed, payment.merchant_id, payment.id) else {
            // Nothing was sent. Retrying would use up the attempts of a good payment.
            self.discard_unsent().await?;
            let why = "the private key for this card is not in this worker's folder".to_owned();
            return Ok(Step::End(Outcome::GiveUp { why }));
        };
        let fingerprint = self.context.keys.fingerprint(&card);
        let what = Authorize {
            reference: attempt.id,
            payment: payment.id,
            money: payment.money,
            card: &card,
        };
        let response = acquirer.authorize(what).await;
        drop(card);
        match response {
            Ok(response) => {
                let (event, outcome) = decided(attempt.clone(), &response);
                let captured = self.capture_approved(acquirer, &attempt, &response).await;
                let outcomes = match captured {
                    Some(Ok(Captured::Done)) => vec![outcome, payment::Event::Captured],
                    _ => vec![outcome],
                };
                let step = self
                    .write(Some(event), &outcomes, Some(fingerprint))
                    .await?;
                match (step, captured) {
                    (Step::End(_), _) if self.has_conflict() => {
                        self.conflict(attempt, response).await
                    }
                    (Step::Next, Some(Err(indeterminate))) => Ok(self.retry_later(indeterminate)),
                    (step, _) => Ok(step),
                }
            }
            Err(Indeterminate(why)) => {
                tracing::warn!(payment = %self.claimed.payment.id, why, "no clear response to an authorization");
                self.record(attempt, authorization::Event::Lost, None).await
            }
        }
    }

    /// Captures what was just approved, before the approval is written, so that both are one write:
    /// what a crash would lose the acquirer reports again. Only while the lease lasts, so that nobody
    /// can have reversed the attempt meanwhile.
    async fn capture_approved(
        &self,
        acquirer: &dyn Acquirer,
        attempt: &Attempt,
        response: &Authorized,
    ) -> Option<Result<Captured, Indeterminate>> {
        let is_ours = Instant::now() + self.context.acquirer_timeout < self.held.until;
        if !matches!(response, Authorized::Approved(_)) || !is_ours {
            return None;
        }
        let money = self.claimed.payment.money;
        Some(acquirer.capture(attempt.id, money).await)
    }

    pub(super) async fn enquire(
        &mut self,
        acquirer: &dyn Acquirer,
        attempt: Attempt,
    ) -> Result<Step, BoxDynError> {
        let money = self.claimed.payment.money;
        let response = match acquirer.enquire(attempt.id, money).await {
            Ok(Found::Approved(approval) | Found::Captured(approval)) => {
                Authorized::Approved(approval)
            }
            Ok(Found::Declined(failure)) => Authorized::Declined(failure),
            Ok(Found::Nothing) => {
                let event = authorization::Event::NotFound;
                return self.record(attempt, event, None).await;
            }
            Ok(Found::Processing) => return Ok(Step::End(Outcome::Again { after: PROCESSING })),
            Err(indeterminate) => return Ok(self.retry_later(indeterminate)),
        };
        let (event, outcome) = decided(attempt, &response);
        let fingerprint = self.fingerprint();
        self.write(Some(event), &[outcome], fingerprint).await
    }

    pub(super) async fn reverse(
        &mut self,
        acquirer: &dyn Acquirer,
        attempt: Attempt,
    ) -> Result<Step, BoxDynError> {
        if let Err(indeterminate) = acquirer.void(attempt.id).await {
            return Ok(self.retry_later(indeterminate));
        }
        let outcome = (attempt.number >= ATTEMPTS_MAX).then_some(payment::Event::Abandoned);
        let step = self
            .record(attempt, authorization::Event::Acknowledged, outcome)
            .await?;
        match (step, outcome) {
            // The next claim opens the next attempt.
            (Step::Next, None) => Ok(Step::End(Outcome::Again {
                after: Duration::ZERO,
            })),
            (step, _) => Ok(step),
        }
    }

    pub(super) async fn capture(
        &mut self,
        acquirer: &dyn Acquirer,
        attempt: Attempt,
    ) -> Result<Step, BoxDynError> {
        let money = self.claimed.payment.money;
        match acquirer.capture(attempt.id, money).await {
            Ok(Captured::Done) => self.write(None, &[payment::Event::Captured], None).await,
            Ok(Captured::Refused) => {
                let unwanted = AttemptEvent::new(attempt, authorization::Event::Unwanted);
                self.write(Some(unwanted), &[payment::Event::CaptureRefused], None)
                    .await
            }
            // A capture may be sent again: the acquirer takes the held amount once.
            Err(indeterminate) => Ok(self.retry_later(indeterminate)),
        }
    }

    /// Looks once more at a reversed attempt, when an acquirer that breaks its promise has had time
    /// to do so.
    pub(super) async fn watch(
        &mut self,
        acquirer: &dyn Acquirer,
        attempt: Attempt,
    ) -> Result<Step, BoxDynError> {
        if !self.claimed.watch.is_zero() {
            let after = self.claimed.watch;
            return Ok(Step::End(Outcome::Again { after }));
        }
        let event = match acquirer
            .enquire(attempt.id, self.claimed.payment.money)
            .await
        {
            Ok(Found::Nothing | Found::Declined(_)) => authorization::Event::NotFound,
            Ok(Found::Approved(_) | Found::Captured(_)) => {
                tracing::error!(attempt = %attempt.id, "approved in spite of its reversal: voiding it");
                authorization::Event::Approved
            }
            Ok(Found::Processing) => return Ok(Step::End(Outcome::Again { after: PROCESSING })),
            Err(indeterminate) => return Ok(self.retry_later(indeterminate)),
        };
        self.record(attempt, event, None).await
    }

    pub(super) async fn void(
        &mut self,
        acquirer: &dyn Acquirer,
        attempt: Attempt,
    ) -> Result<Step, BoxDynError> {
        match acquirer.void(attempt.id).await {
            Ok(()) => {
                self.record(attempt, authorization::Event::Acknowledged, None)
                    .await
            }
            Err(indeterminate) => Ok(self.retry_later(indeterminate)),
        }
    }

    fn retry_later(&self, Indeterminate(why): Indeterminate) -> Step {
        let payment = &self.claimed.payment;
        tracing::warn!(payment = %payment.id, why, "the acquirer gave no answer, asking again later");
        let age = OffsetDateTime::now_utc() - payment.created_at;
        let after = retry_after_age(age.try_into().unwrap_or_default());
        Step::End(Outcome::Again { after })
    }

    fn fingerprint(&self) -> Option<Vec<u8>> {
        let payment = &self.claimed.payment;
        let sealed = self.claimed.card.as_ref()?;
        let card = self
            .context
            .keys
            .open_card(sealed, payment.merchant_id, payment.id)
            .ok()?;
        Some(self.context.keys.fingerprint(&card))
    }
}

fn decided(attempt: Attempt, response: &Authorized) -> (AttemptEvent, payment::Event) {
    let (event, approval, outcome) = match response {
        Authorized::Approved(approval) => (
            authorization::Event::Approved,
            approval.clone(),
            payment::Event::Authorized,
        ),
        Authorized::Declined(failure) => (
            authorization::Event::Declined,
            Approval::default(),
            payment::Event::Declined(*failure),
        ),
    };
    let event = AttemptEvent {
        attempt,
        event,
        approval,
    };
    (event, outcome)
}
