//! What the acquirer decides. No network and no clock of its own: time comes in.

use std::collections::{HashMap, HashSet};

use time::OffsetDateTime;
use tokio::time::Instant;

use crate::{
    answer::{Answer, Refusal, Standing, Status, Verdict},
    book::{ApprovalCode, Book, Code, Entry, Kind, Order, Record, State},
    cards::{Decline, Fault, Outcome},
    log::Unwritten,
    pace::Pace,
    request::AuthorizationRequest,
    words::Reference,
};

mod money;
#[cfg(test)]
mod tests;

#[derive(Debug)]
pub(crate) struct Acquirer {
    book: Book,
    /// Authorizations it still thinks about; they die with the process.
    thinking: HashMap<Reference, Thinking>,
    /// Payments whose first attempt met a first-attempt fault.
    attempted: HashSet<Reference>,
    pace: Pace,
    pub(crate) unwritten: Unwritten,
}

#[derive(Debug)]
struct Thinking {
    order: Order,
    fault: Fault,
    until: Instant,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) at: OffsetDateTime,
    pub(crate) instant: Instant,
}

impl Acquirer {
    /// Opens for business with the book a log was read into.
    pub(crate) fn new(book: Book, last_seq: u64, pace: Pace) -> Self {
        let orders = book
            .authorizations
            .values()
            .filter_map(|known| known.order.as_ref());
        let attempted = orders
            .filter(|order| order.fault.is_some_and(Fault::first_attempt_only))
            .map(|order| order.payment.clone())
            .collect();
        let unwritten = Unwritten::after(last_seq);
        Self {
            book,
            thinking: HashMap::new(),
            attempted,
            pace,
            unwritten,
        }
    }

    pub(crate) fn authorize(
        &mut self,
        request: &AuthorizationRequest,
        now: Now,
    ) -> Result<Verdict, Refusal> {
        let (reference, order) = (&request.reference, request.order());
        if let Some(thinking) = self.thinking.get(reference) {
            same(&thinking.order, &order)?;
            return Ok(Verdict::Thinking {
                until: thinking.until,
            });
        }
        match self.book.authorizations.get(reference) {
            None => self.decide(reference, order, request.card.outcome, now),
            Some(known) => match &known.order {
                Some(before) => {
                    same(before, &order)?;
                    Ok(Verdict::Repeated(Answer::to_authorize(reference, known)))
                }
                None => Ok(Verdict::Decided(self.refuse(reference, &order, now)?, None)),
            },
        }
    }

    fn decide(
        &mut self,
        reference: &Reference,
        order: Order,
        outcome: Outcome,
        now: Now,
    ) -> Result<Verdict, Refusal> {
        let fault = match outcome {
            Outcome::Approve => None,
            Outcome::Fault(fault) => self.meets(fault, &order.payment),
            Outcome::Decline(why) => {
                let answer = self.decline(reference, &order, why, now)?;
                return Ok(Verdict::Decided(answer, None));
            }
        };
        match (fault, fault.and_then(Fault::delay)) {
            (Some(fault), None) if fault.does_nothing() => Ok(Verdict::Untouched(fault)),
            (Some(fault), Some(delay)) => {
                let until = now.instant + self.pace.of(delay);
                self.thinking.insert(
                    reference.clone(),
                    Thinking {
                        order,
                        fault,
                        until,
                    },
                );
                Ok(Verdict::Thinking { until })
            }
            (fault, _) => Ok(Verdict::Decided(
                self.approve(reference, &order, now)?,
                fault,
            )),
        }
    }

    fn meets(&mut self, fault: Fault, payment: &Reference) -> Option<Fault> {
        let meets = !fault.first_attempt_only() || self.attempted.insert(payment.clone());
        meets.then_some(fault)
    }

    /// Comes to the end of thinking; whoever asks again hears the same.
    pub(crate) fn settle(&mut self, reference: &Reference, now: Now) -> Result<Answer, Refusal> {
        let known = self.book.authorizations.get(reference);
        match self.thinking.remove(reference) {
            None => known
                .map(|known| Answer::to_authorize(reference, known))
                .ok_or(Refusal::NotFound),
            Some(Thinking { order, fault, .. })
                if known.is_some() && fault != Fault::LateDespiteVoid =>
            {
                self.refuse(reference, &order, now)
            }
            Some(Thinking { order, .. }) => self.approve(reference, &order, now),
        }
    }

    pub(crate) fn enquire(&self, reference: &Reference) -> Result<Standing, Refusal> {
        if let Some(known) = self.book.authorizations.get(reference) {
            return Ok(Standing::of(reference, known));
        }
        let order = self.processing(reference).ok_or(Refusal::NotFound)?;
        Ok(Standing::processing(reference, order))
    }

    /// A reversal by reference: from here on the reference is never approved,
    /// also when it has not been heard of yet.
    pub(crate) fn void(&mut self, reference: &Reference, now: Now) -> Result<Answer, Refusal> {
        let known = self.book.authorizations.get(reference);
        match known.map(|known| known.state) {
            Some(State::Captured(_)) => return Err(Refusal::AlreadyCaptured),
            Some(State::Voided) => {}
            Some(State::Approved | State::Declined(_)) | None => {
                let order = known.and_then(|known| known.order.as_ref());
                let entry = match order.or_else(|| self.processing(reference)) {
                    Some(order) => Entry::about(Kind::Voided, reference.clone(), order),
                    None => Entry::bare(Kind::Voided, reference.clone()),
                };
                self.record(entry, now)?;
            }
        }
        Ok(Answer::plain(reference, Status::Voided))
    }

    /// What it visibly thinks about.
    fn processing(&self, reference: &Reference) -> Option<&Order> {
        let thinking = self.thinking.get(reference)?;
        thinking.fault.shows_processing().then_some(&thinking.order)
    }

    fn approve(
        &mut self,
        reference: &Reference,
        order: &Order,
        now: Now,
    ) -> Result<Answer, Refusal> {
        let code = Code::Approved(ApprovalCode(self.unwritten.last_seq() + 1));
        self.conclude(Kind::Approved, code, reference, order, now)
    }

    fn decline(
        &mut self,
        reference: &Reference,
        order: &Order,
        why: Decline,
        now: Now,
    ) -> Result<Answer, Refusal> {
        self.conclude(Kind::Declined, Code::Declined(why), reference, order, now)
    }

    fn refuse(
        &mut self,
        reference: &Reference,
        order: &Order,
        now: Now,
    ) -> Result<Answer, Refusal> {
        self.conclude(
            Kind::Refused,
            Code::Declined(Decline::Voided),
            reference,
            order,
            now,
        )
    }

    fn conclude(
        &mut self,
        kind: Kind,
        code: Code,
        reference: &Reference,
        order: &Order,
        now: Now,
    ) -> Result<Answer, Refusal> {
        let entry = Entry::about(kind, reference.clone(), order);
        self.record(
            Entry {
                code: Some(code),
                ..entry
            },
            now,
        )?;
        let known = self
            .book
            .authorizations
            .get(reference)
            .ok_or(Refusal::Broken)?;
        Ok(Answer::to_authorize(reference, known))
    }

    fn record(&mut self, entry: Entry, now: Now) -> Result<(), Refusal> {
        let record = Record {
            seq: self.unwritten.last_seq() + 1,
            at: now.at,
            entry,
        };
        self.keep(record).map_err(|error| {
            tracing::error!("a record could not be kept: {error}");
            Refusal::Broken
        })
    }

    /// A line for the log only once the book has taken it.
    fn keep(&mut self, record: Record) -> anyhow::Result<()> {
        let line = serde_json::to_vec(&record)?;
        self.book.post(record.entry)?;
        self.unwritten.push(&line, record.seq);
        Ok(())
    }
}

fn same(before: &Order, now: &Order) -> Result<(), Refusal> {
    if before == now {
        Ok(())
    } else {
        Err(Refusal::ReferenceReused)
    }
}
