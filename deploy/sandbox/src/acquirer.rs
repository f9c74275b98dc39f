//! The acquirer's decisions. Pure: it uses no network, and the time is an argument.

use std::collections::{HashMap, HashSet};

use time::OffsetDateTime;
use tokio::time::Instant;

use crate::{
    cards::{Decline, Fault, Outcome},
    fields::Reference,
    ledger::{ApprovalCode, Code, Details, Entry, Kind, Ledger, Record, State},
    log::Unwritten,
    request::AuthorizationRequest,
    response::{AcquirerError, Decision, EnquiryResponse, Status, StatusResponse},
    time_scale::TimeScale,
};

mod money;
#[cfg(test)]
mod tests;

#[derive(Debug)]
pub(crate) struct Acquirer {
    ledger: Ledger,
    /// Authorizations that are not decided yet. They are not in the log, so a restart loses them.
    pending: HashMap<Reference, Pending>,
    /// Payments whose first attempt had a fault that affects only first attempts.
    attempted: HashSet<Reference>,
    time_scale: TimeScale,
    pub(crate) unwritten: Unwritten,
}

#[derive(Debug)]
struct Pending {
    details: Details,
    fault: Fault,
    until: Instant,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) at: OffsetDateTime,
    pub(crate) instant: Instant,
}

impl Acquirer {
    /// Continues after the record `last_seq`, with the ledger replayed from the log.
    pub(crate) fn new(ledger: Ledger, last_seq: u64, time_scale: TimeScale) -> Self {
        let authorizations = ledger.authorizations.values();
        let attempted = authorizations
            .filter_map(|known| known.details.as_ref())
            .filter(|details| details.fault.is_some_and(Fault::first_attempt_only))
            .map(|details| details.payment.clone())
            .collect();
        let unwritten = Unwritten::after(last_seq);
        Self {
            ledger,
            pending: HashMap::new(),
            attempted,
            time_scale,
            unwritten,
        }
    }

    pub(crate) fn authorize(
        &mut self,
        request: &AuthorizationRequest,
        now: Now,
    ) -> Result<Decision, AcquirerError> {
        let (reference, details) = (&request.reference, request.details());
        if let Some(pending) = self.pending.get(reference) {
            check_same(&pending.details, &details)?;
            return Ok(Decision::Pending {
                until: pending.until,
            });
        }
        match self.ledger.authorizations.get(reference) {
            None => self.decide(reference, details, request.card.outcome, now),
            Some(known) => match &known.details {
                Some(before) => {
                    check_same(before, &details)?;
                    Ok(Decision::Repeated(StatusResponse::of_authorization(
                        reference, known,
                    )))
                }
                None => Ok(Decision::Decided(
                    self.decline_voided(reference, &details, now)?,
                    None,
                )),
            },
        }
    }

    fn decide(
        &mut self,
        reference: &Reference,
        details: Details,
        outcome: Outcome,
        now: Now,
    ) -> Result<Decision, AcquirerError> {
        let fault = match outcome {
            Outcome::Approve => None,
            Outcome::Fault(fault) => self.effective_fault(fault, &details.payment),
            Outcome::Decline(why) => {
                let response = self.decline(reference, &details, why, now)?;
                return Ok(Decision::Decided(response, None));
            }
        };
        match (fault, fault.and_then(Fault::delay)) {
            (Some(fault), None) if fault.skips_processing() => Ok(Decision::NotProcessed(fault)),
            (Some(fault), Some(delay)) => {
                let until = now.instant + self.time_scale.apply(delay);
                self.pending.insert(
                    reference.clone(),
                    Pending {
                        details,
                        fault,
                        until,
                    },
                );
                Ok(Decision::Pending { until })
            }
            (fault, _) => Ok(Decision::Decided(
                self.approve(reference, &details, now)?,
                fault,
            )),
        }
    }

    fn effective_fault(&mut self, fault: Fault, payment: &Reference) -> Option<Fault> {
        let is_effective = !fault.first_attempt_only() || self.attempted.insert(payment.clone());
        is_effective.then_some(fault)
    }

    /// Decides a pending authorization. Idempotent, because several requests may wait for the same
    /// decision.
    pub(crate) fn finish_pending(
        &mut self,
        reference: &Reference,
        now: Now,
    ) -> Result<StatusResponse, AcquirerError> {
        let known = self.ledger.authorizations.get(reference);
        match self.pending.remove(reference) {
            None => known
                .map(|known| StatusResponse::of_authorization(reference, known))
                .ok_or(AcquirerError::NotFound),
            Some(Pending { details, fault, .. })
                if known.is_some() && fault != Fault::LateDespiteVoid =>
            {
                self.decline_voided(reference, &details, now)
            }
            Some(Pending { details, .. }) => self.approve(reference, &details, now),
        }
    }

    pub(crate) fn enquire(&self, reference: &Reference) -> Result<EnquiryResponse, AcquirerError> {
        if let Some(known) = self.ledger.authorizations.get(reference) {
            return Ok(EnquiryResponse::of(reference, known));
        }
        let details = self.processing(reference).ok_or(AcquirerError::NotFound)?;
        Ok(EnquiryResponse::processing(reference, details))
    }

    /// Voids an authorization by reference. The reference is never approved afterwards, even if its
    /// authorization request arrives later; only `Fault::LateDespiteVoid` breaks this rule.
    pub(crate) fn void(
        &mut self,
        reference: &Reference,
        now: Now,
    ) -> Result<StatusResponse, AcquirerError> {
        let known = self.ledger.authorizations.get(reference);
        match known.map(|known| known.state) {
            Some(State::Captured(_)) => return Err(AcquirerError::AlreadyCaptured),
            Some(State::Voided) => {}
            Some(State::Approved | State::Declined(_)) | None => {
                let details = known.and_then(|known| known.details.as_ref());
                let entry = match details.or_else(|| self.processing(reference)) {
                    Some(details) => Entry::with_details(Kind::Voided, reference.clone(), details),
                    None => Entry::new(Kind::Voided, reference.clone()),
                };
                self.record(entry, now)?;
            }
        }
        Ok(StatusResponse::new(reference, Status::Voided))
    }

    /// The details of a pending authorization, if enquiries report it.
    fn processing(&self, reference: &Reference) -> Option<&Details> {
        let pending = self.pending.get(reference)?;
        pending.fault.shows_processing().then_some(&pending.details)
    }

    fn approve(
        &mut self,
        reference: &Reference,
        details: &Details,
        now: Now,
    ) -> Result<StatusResponse, AcquirerError> {
        let code = Code::Approved(ApprovalCode(self.unwritten.last_seq() + 1));
        self.record_decision(Kind::Approved, code, reference, details, now)
    }

    fn decline(
        &mut self,
        reference: &Reference,
        details: &Details,
        why: Decline,
        now: Now,
    ) -> Result<StatusResponse, AcquirerError> {
        self.record_decision(Kind::Declined, Code::Declined(why), reference, details, now)
    }

    fn decline_voided(
        &mut self,
        reference: &Reference,
        details: &Details,
        now: Now,
    ) -> Result<StatusResponse, AcquirerError> {
        self.record_decision(
            Kind::Refused,
            Code::Declined(Decline::Voided),
            reference,
            details,
            now,
        )
    }

    fn record_decision(
        &mut self,
        kind: Kind,
        code: Code,
        reference: &Reference,
        details: &Details,
        now: Now,
    ) -> Result<StatusResponse, AcquirerError> {
        let entry = Entry::with_details(kind, reference.clone(), details);
        self.record(
            Entry {
                code: Some(code),
                ..entry
            },
            now,
        )?;
        let known = self
            .ledger
            .authorizations
            .get(reference)
            .ok_or(AcquirerError::Internal)?;
        Ok(StatusResponse::of_authorization(reference, known))
    }

    fn record(&mut self, entry: Entry, now: Now) -> Result<(), AcquirerError> {
        let record = Record {
            seq: self.unwritten.last_seq() + 1,
            at: now.at,
            entry,
        };
        self.append(record).map_err(|error| {
            tracing::error!(%error, "cannot record an operation");
            AcquirerError::Internal
        })
    }

    /// Queues the line for the log only after the ledger has accepted the record.
    fn append(&mut self, record: Record) -> anyhow::Result<()> {
        let line = serde_json::to_vec(&record)?;
        self.ledger.apply(record.entry)?;
        self.unwritten.push(&line, record.seq);
        Ok(())
    }
}

fn check_same(before: &Details, now: &Details) -> Result<(), AcquirerError> {
    if before == now {
        Ok(())
    } else {
        Err(AcquirerError::ReferenceReused)
    }
}
