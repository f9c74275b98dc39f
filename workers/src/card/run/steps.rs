//! The steps of a run: each makes one call to the acquirer and writes the transition that follows from
//! the response.

use std::time::{Duration, Instant};

use apalis_core::error::BoxDynError;
use domain::authorization::{self, ATTEMPTS_MAX, retry_after_age};
use domain::job::Outcome;
use domain::payment;
use store::payments::{Approval, Attempt};
use time::OffsetDateTime;

use super::{AttemptEvent, Run, Step};
use crate::acquirers::{Acquirer, Authorize, Authorized, Captured, Found, Indeterminate};

/// The wait before another enquiry, while the acquirer has not decided.
const ENQUIRY_DELAY: Duration = Duration::from_secs(1);

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
            .ok_or("an authorizing payment has no sealed card")?;
        let keys = &self.context.keys;
        let Ok(card) = keys.open_card(sealed, payment.merchant_id, payment.id) else {
            // Nothing was sent. Park the job: retries would use up the authorizations of a payment that
            // another worker or a restored key can still complete.
            self.discard_unsent().await?;
            let reason =
                "the private key for this sealed card is not in SLUICE_CARD_KEYS_DIR".to_owned();
            return Ok(Step::End(Outcome::Park { reason }));
        };
        let fingerprint = self.context.keys.fingerprint(&card);
        let request = Authorize {
            reference: attempt.id,
            payment: payment.id,
            money: payment.money,
            card: &card,
        };
        let response = acquirer.authorize(request).await;
        drop(card);
        match response {
            Ok(response) => {
                let (event, outcome) = events_of(attempt.clone(), &response);
                let captured = self.capture_approved(acquirer, &attempt, &response).await;
                let payment_events = match captured {
                    Some(Ok(Captured::Done)) => vec![outcome, payment::Event::Captured],
                    _ => vec![outcome],
                };
                let step = self
                    .write(Some(event), &payment_events, Some(fingerprint))
                    .await?;
                match (step, captured) {
                    (Step::End(_), _) if self.has_conflict() => {
                        self.conflict(attempt, response).await
                    }
                    (Step::Next, Some(Err(indeterminate))) => Ok(self.retry_later(indeterminate)),
                    (step, _) => Ok(step),
                }
            }
            Err(Indeterminate(reason)) => {
                tracing::warn!(payment = %self.claimed.payment.id, reason, "authorization result unknown, will enquire");
                self.record(attempt, authorization::Event::ResponseLost, None)
                    .await
            }
        }
    }

    /// Captures an approval before it is written, so that one write records both. If the process crashes
    /// in between, an enquiry reports the capture. Skipped unless the call
    /// times out before the lease ends: after that, another worker may have reversed the attempt.
    async fn capture_approved(
        &self,
        acquirer: &dyn Acquirer,
        attempt: &Attempt,
        response: &Authorized,
    ) -> Option<Result<Captured, Indeterminate>> {
        let ends_within_lease = Instant::now() + self.context.acquirer_timeout < self.held.until;
        if !matches!(response, Authorized::Approved(_)) || !ends_within_lease {
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
            Ok(Found::Processing) => {
                return Ok(Step::End(Outcome::Reschedule {
                    after: ENQUIRY_DELAY,
                }));
            }
            Err(indeterminate) => return Ok(self.retry_later(indeterminate)),
        };
        let (event, outcome) = events_of(attempt, &response);
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
        let outcome = (attempt.number >= ATTEMPTS_MAX).then_some(payment::Event::AttemptsExhausted);
        let step = self
            .record(attempt, authorization::Event::Acknowledged, outcome)
            .await?;
        match (step, outcome) {
            // The next claim opens the next attempt, which must be stored before anything is sent.
            (Step::Next, None) => Ok(Step::End(Outcome::Reschedule {
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
            Ok(Captured::Rejected) => {
                let void_required = AttemptEvent::new(attempt, authorization::Event::VoidRequired);
                self.write(
                    Some(void_required),
                    &[payment::Event::CaptureRejected],
                    None,
                )
                .await
            }
            // A retry is safe: capture is idempotent per reference.
            Err(indeterminate) => Ok(self.retry_later(indeterminate)),
        }
    }

    /// Enquires once more about a reversed attempt: an acquirer may acknowledge a void and still approve
    /// the authorization later. It waits a minute, which gives a delayed request time to arrive.
    pub(super) async fn watch(
        &mut self,
        acquirer: &dyn Acquirer,
        attempt: Attempt,
    ) -> Result<Step, BoxDynError> {
        if !self.claimed.watch.is_zero() {
            let after = self.claimed.watch;
            return Ok(Step::End(Outcome::Reschedule { after }));
        }
        let event = match acquirer
            .enquire(attempt.id, self.claimed.payment.money)
            .await
        {
            Ok(Found::Nothing | Found::Declined(_)) => authorization::Event::NotFound,
            Ok(Found::Approved(_) | Found::Captured(_)) => {
                tracing::error!(attempt = %attempt.id, "approved despite its reversal, will void it");
                authorization::Event::Approved
            }
            Ok(Found::Processing) => {
                return Ok(Step::End(Outcome::Reschedule {
                    after: ENQUIRY_DELAY,
                }));
            }
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

    fn retry_later(&self, Indeterminate(reason): Indeterminate) -> Step {
        let payment = &self.claimed.payment;
        tracing::warn!(payment = %payment.id, reason, "acquirer result unknown, will retry");
        let age = OffsetDateTime::now_utc() - payment.created_at;
        let after = retry_after_age(age.try_into().unwrap_or_default());
        Step::End(Outcome::Reschedule { after })
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

/// The events that a final response causes: the attempt's and the payment's.
fn events_of(attempt: Attempt, response: &Authorized) -> (AttemptEvent, payment::Event) {
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
