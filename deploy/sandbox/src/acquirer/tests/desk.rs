//! An acquirer asked as over HTTP, and its log so far.

use anyhow::Result;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::{
    acquirer::{Acquirer, Now},
    answer::{Answer, Refusal, Status, Verdict},
    book::{Book, Kind, Record},
    pace::Pace,
    request::AuthorizationRequest,
    words::Reference,
};

pub(super) struct Desk {
    pub(super) acquirer: Acquirer,
    pub(super) log: Vec<Record>,
    pub(super) now: Now,
}

impl Desk {
    pub(super) fn open() -> Self {
        Self::reading(&[])
    }

    pub(super) fn reading(log: &[Record]) -> Self {
        let mut book = Book::default();
        let posted = log
            .iter()
            .try_for_each(|record| book.post(record.entry.clone()));
        assert!(posted.is_ok(), "{posted:?}");
        let last_seq = log.last().map_or(0, |record| record.seq);
        let now = Now {
            at: OffsetDateTime::UNIX_EPOCH,
            instant: Instant::now(),
        };
        Self {
            acquirer: Acquirer::new(book, last_seq, Pace(100)),
            log: log.to_vec(),
            now,
        }
    }

    fn ask<T>(&mut self, question: impl FnOnce(&mut Acquirer, Now) -> T) -> Result<T> {
        let answer = question(&mut self.acquirer, self.now);
        let (lines, _) = self.acquirer.unwritten.take();
        for line in serde_json::Deserializer::from_slice(&lines).into_iter() {
            self.log.push(line?);
        }
        Ok(answer)
    }

    pub(super) fn authorize(
        &mut self,
        reference: &str,
        card: &str,
    ) -> Result<Result<Verdict, Refusal>> {
        self.authorize_of("pay-1", reference, "50.00", card)
    }

    pub(super) fn authorize_of(
        &mut self,
        payment: &str,
        reference: &str,
        amount: &str,
        card: &str,
    ) -> Result<Result<Verdict, Refusal>> {
        let request: AuthorizationRequest = serde_json::from_value(json!({
            "reference": reference, "payment": payment, "amount": amount, "currency": "USD",
            "card": { "number": card, "exp_month": 12, "exp_year": 2030, "cvc": "123" },
        }))?;
        self.ask(|acquirer, now| acquirer.authorize(&request, now))
    }

    pub(super) fn void(&mut self, of: &str) -> Result<Result<Answer, Refusal>> {
        let of = reference(of)?;
        self.ask(|acquirer, now| acquirer.void(&of, now))
    }

    pub(super) fn settle(&mut self, of: &str) -> Result<Result<Answer, Refusal>> {
        let of = reference(of)?;
        self.ask(|acquirer, now| acquirer.settle(&of, now))
    }

    pub(super) fn capture(&mut self, of: &str, amount: &str) -> Result<Result<Status, Refusal>> {
        let of = reference(of)?;
        let request = serde_json::from_value(json!({ "amount": amount, "currency": "USD" }))?;
        let done = self.ask(|acquirer, now| acquirer.capture(&of, &request, now))?;
        Ok(done.map(|(answer, _)| answer.status))
    }

    pub(super) fn refund(
        &mut self,
        named: &str,
        of: &str,
        amount: &str,
    ) -> Result<Result<Status, Refusal>> {
        let request = serde_json::from_value(json!({
            "reference": named, "authorization": of, "amount": amount, "currency": "USD",
        }))?;
        Ok(self
            .ask(|acquirer, now| acquirer.refund(&request, now))?
            .map(|answer| answer.status))
    }

    pub(super) fn enquire(&self, of: &str) -> Result<Value> {
        let standing = self.acquirer.enquire(&reference(of)?);
        Ok(standing.map_or_else(
            |refusal| json!(refusal.to_string()),
            |standing| json!(standing),
        ))
    }

    pub(super) fn kinds(&self) -> Vec<Kind> {
        self.log.iter().map(|record| record.entry.kind).collect()
    }
}

fn reference(text: &str) -> Result<Reference> {
    Ok(Reference::try_from(text.to_owned())?)
}
