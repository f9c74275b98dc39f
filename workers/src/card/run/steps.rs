//! The steps of a run: each makes one call to the acquirer and writes the transition that follows from
//! the response.

use std::time::Duration;

use apalis_core::error::BoxDynError;
use domain::authorization::{self, ATTEMPTS_MAX, retry_after_age};
use domain::card::Card;
use domain::id::RefundId;
use domain::job::Outcome;
use domain::payment::{self, Failure, Payment};
use domain::risk::Verdict;
use store::payments::{self, Approval, Attempt};
use store::vault::Unsealable;
use time::OffsetDateTime;

use super::{AttemptEvent, OpenedCard, Run, Step};
use crate::acquirers::{
    Acquirer, Authorize, Authorized, Captured, Found, Indeterminate, Refunded, Voided,
};
use crate::runtime;

/// The wait before another enquiry, while the acquirer has not decided.
const ENQUIRY_DELAY: Duration = Duration::from_secs(1);

impl Run<'_> {
    pub(super) async fn authorize(
        &mut self,
        acquirer: &dyn Acquirer,
        attempt: Attempt,
    ) -> Result<Step, BoxDynError> {
        let card = match self.open_card().await? {
            Ok(card) => card,
            Err(step) => return Ok(step),
        };
        let fingerprint = self.context.keys.fingerprint(&card);
        let payment = &self.claimed.payment;
        match self.context.risk.judge(payment, &card, &fingerprint).await {
            Ok(None) => {}
            Ok(Some(verdict)) => return self.block(fingerprint, verdict).await,
            Err(error) => {
                self.discard_unsent().await?;
                return Err(error.into());
            }
        }
        if !self.held.covers(self.context.acquirer_timeout) {
            self.discard_unsent().await?;
            return Ok(Step::End(runtime::lease_lost(&self.held)));
        }
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
                let card = OpenedCard {
                    fingerprint,
                    verdict: None,
                };
                let step = self.write(Some(event), &payment_events, Some(card)).await?;
                match (step, captured) {
                    (Step::End(_), _) if self.has_conflict() => {
                        self.conflict(attempt, response).await
                    }
                    (Step::Next, Some(Err(indeterminate))) => {
                        Ok(self.retry_later("capture", &attempt, indeterminate))
                    }
                    (step, _) => Ok(step),
                }
            }
            Err(Indeterminate(reason)) => {
                let (payment, number) = (&self.claimed.payment.id, attempt.number);
                let (authorization, acquirer) = (&attempt.id, &attempt.acquirer);
                tracing::warn!(%payment, %authorization, acquirer, attempt = number, reason, "authorization result unknown, will enquire now");
                self.record(attempt, authorization::Event::ResponseLost, None)
                    .await
            }
        }
    }

    /// Opens the sealed card, or ends the run. Where a card cannot be opened nothing is sent: an attempt
    /// must not be used up for it.
    async fn open_card(&mut self) -> Result<Result<Card, Step>, BoxDynError> {
        let payment = &self.claimed.payment;
        let Some(sealed) = &self.claimed.card else {
            self.discard_unsent().await?;
            let destroyed = [payment::Event::CardDestroyed];
            return Ok(Err(self.write(None, &destroyed, None).await?));
        };
        let keys = &self.context.keys;
        match keys.open_card(sealed, payment.merchant_id, payment.id) {
            Ok(Ok(card)) => Ok(Ok(card)),
            Ok(Err(Unsealable)) => {
                self.discard_unsent().await?;
                let reason = "the private key for this sealed card is not in SLUICE_CARD_KEYS_DIR";
                Ok(Err(Step::End(Outcome::Park {
                    reason: reason.to_owned(),
                })))
            }
            Err(error) => {
                self.discard_unsent().await?;
                Err(format!("cannot read the private key of a sealed card: {error}").into())
            }
        }
    }

    /// Declines a card that must not be sent. To the payer and the merchant it is a decline like any
    /// other, so that whoever tests cards learns nothing.
    async fn block(&mut self, fingerprint: Vec<u8>, verdict: Verdict) -> Result<Step, BoxDynError> {
        self.discard_unsent().await?;
        tracing::info!(payment = %self.claimed.payment.id, rule = verdict.rule.name(), declines = verdict.declines, "blocked a card");
        let declined = [payment::Event::Declined(Failure::CardDeclined)];
        let card = OpenedCard {
            fingerprint,
            verdict: Some(verdict),
        };
        self.write(None, &declined, Some(card)).await
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
        let ends_within_lease = self.held.covers(self.context.acquirer_timeout * 2);
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
        match acquirer.enquire(attempt.id, money).await {
            Ok(Found::Nothing) => self.not_found(attempt).await,
            Ok(Found::Processing) => Ok(later(ENQUIRY_DELAY)),
            Ok(found) => self.adopt(attempt, found).await,
            Err(indeterminate) => Ok(self.retry_later("enquire", &attempt, indeterminate)),
        }
    }

    /// Repeats the reversal. Enquires before: the acquirer may have approved or even captured since, and
    /// the payment still waits for it.
    pub(super) async fn reverse(
        &mut self,
        acquirer: &dyn Acquirer,
        attempt: Attempt,
    ) -> Result<Step, BoxDynError> {
        let money = self.claimed.payment.money;
        match acquirer.enquire(attempt.id, money).await {
            Ok(Found::Nothing | Found::Processing) => {}
            Ok(found) => return self.adopt(attempt, found).await,
            Err(indeterminate) => {
                return Ok(self.retry_later("enquire", &attempt, indeterminate));
            }
        }
        if !self.held.covers(self.context.acquirer_timeout) {
            return Ok(Step::End(runtime::lease_lost(&self.held)));
        }
        match acquirer.void(attempt.id).await {
            Ok(Voided::Done) => {}
            // The next enquiry finds the capture.
            Ok(Voided::AlreadyCaptured) => return Ok(later(ENQUIRY_DELAY)),
            Err(indeterminate) => return Ok(self.retry_later("void", &attempt, indeterminate)),
        }
        let is_last = attempt.number >= ATTEMPTS_MAX || self.claimed.card.is_none();
        let outcome = is_last.then_some(payment::Event::AttemptsExhausted);
        let step = self
            .record(attempt, authorization::Event::Acknowledged, outcome)
            .await?;
        match (step, outcome) {
            // The next claim opens the next attempt, which must be stored before anything is sent.
            (Step::Next, None) => Ok(later(Duration::ZERO)),
            (step, _) => Ok(step),
        }
    }

    /// Records what an enquiry found out about an attempt that the payment waits for.
    async fn adopt(&mut self, attempt: Attempt, found: Found) -> Result<Step, BoxDynError> {
        let response = match found {
            Found::Approved(approval) | Found::Captured(approval) => Authorized::Approved(approval),
            Found::Declined(failure) => Authorized::Declined(failure),
            Found::Nothing | Found::Processing => return Err("nothing to adopt".into()),
        };
        let (event, outcome) = events_of(attempt, &response);
        let card = self.fingerprint().map(|fingerprint| OpenedCard {
            fingerprint,
            verdict: None,
        });
        self.write(Some(event), &[outcome], card).await
    }

    /// Records that the acquirer does not know an attempt, once it has said so twice and the attempt is
    /// old enough.
    async fn not_found(&mut self, attempt: Attempt) -> Result<Step, BoxDynError> {
        let wait = payments::not_found(&self.context.db, attempt.id, attempt.state).await?;
        if wait.is_zero() {
            return self
                .record(attempt, authorization::Event::NotFound, None)
                .await;
        }
        Ok(later(wait))
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
            Err(indeterminate) => Ok(self.retry_later("capture", &attempt, indeterminate)),
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
            return Ok(later(self.claimed.watch));
        }
        match acquirer
            .enquire(attempt.id, self.claimed.payment.money)
            .await
        {
            Ok(Found::Nothing | Found::Declined(_)) => self.not_found(attempt).await,
            Ok(Found::Approved(_) | Found::Captured(_)) => {
                tracing::error!(attempt = %attempt.id, "approved despite its reversal, will void it");
                self.record(attempt, authorization::Event::Approved, None)
                    .await
            }
            Ok(Found::Processing) => Ok(later(ENQUIRY_DELAY)),
            Err(indeterminate) => Ok(self.retry_later("enquire", &attempt, indeterminate)),
        }
    }

    pub(super) async fn void(
        &mut self,
        acquirer: &dyn Acquirer,
        attempt: Attempt,
    ) -> Result<Step, BoxDynError> {
        match acquirer.void(attempt.id).await {
            Ok(Voided::Done) => {
                self.record(attempt, authorization::Event::Acknowledged, None)
                    .await
            }
            Ok(Voided::AlreadyCaptured) => {
                tracing::error!(attempt = %attempt.id, "captured although the payment does not need it, will refund it");
                self.record(attempt, authorization::Event::AlreadyCaptured, None)
                    .await
            }
            Err(indeterminate) => Ok(self.retry_later("void", &attempt, indeterminate)),
        }
    }

    /// Refunds a capture that the payment does not need. The refund's reference is derived from the
    /// attempt's id, so that repeating it refunds once.
    pub(super) async fn refund(
        &mut self,
        acquirer: &dyn Acquirer,
        attempt: Attempt,
    ) -> Result<Step, BoxDynError> {
        let money = self.claimed.payment.money;
        match acquirer
            .refund(RefundId(attempt.id.0), attempt.id, money)
            .await
        {
            Ok(Refunded::Done) => {
                self.record(attempt, authorization::Event::Acknowledged, None)
                    .await
            }
            Ok(Refunded::Rejected) => Ok(Step::End(Outcome::Park {
                reason: format!(
                    "the acquirer has captured {} and refuses to refund it",
                    attempt.id
                ),
            })),
            Err(indeterminate) => Ok(self.retry_later("refund", &attempt, indeterminate)),
        }
    }

    fn retry_later(
        &self,
        operation: &str,
        attempt: &Attempt,
        Indeterminate(reason): Indeterminate,
    ) -> Step {
        let Payment { id, created_at, .. } = &self.claimed.payment;
        let age = OffsetDateTime::now_utc() - *created_at;
        let after = retry_after_age(age.try_into().unwrap_or_default());
        let (authorization, acquirer, number) = (&attempt.id, &attempt.acquirer, attempt.number);
        tracing::warn!(payment = %id, %authorization, acquirer, attempt = number, operation, reason, retry_in = ?after, "acquirer result unknown, will retry");
        later(after)
    }

    fn fingerprint(&self) -> Option<Vec<u8>> {
        let payment = &self.claimed.payment;
        let sealed = self.claimed.card.as_ref()?;
        let card = self
            .context
            .keys
            .open_card(sealed, payment.merchant_id, payment.id)
            .ok()?
            .ok()?;
        Some(self.context.keys.fingerprint(&card))
    }
}

/// Ends the run until `after` from now.
const fn later(after: Duration) -> Step {
    Step::End(Outcome::Reschedule { after })
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
