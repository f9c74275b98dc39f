//! An acquirer with the operations of its HTTP API, and its log.

use anyhow::Result;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::{
    acquirer::{Acquirer, Now},
    fields::Reference,
    ledger::{Kind, Ledger, Record},
    request::AuthorizationRequest,
    response::{AcquirerError, Decision, Status, StatusResponse},
    time_scale::TimeScale,
};

pub(super) struct TestAcquirer {
    pub(super) acquirer: Acquirer,
    pub(super) log: Vec<Record>,
    pub(super) now: Now,
}

impl TestAcquirer {
    pub(super) fn new() -> Self {
        Self::replay(&[])
    }

    pub(super) fn replay(log: &[Record]) -> Self {
        let mut ledger = Ledger::default();
        let replayed = log
            .iter()
            .try_for_each(|record| ledger.apply(record.entry.clone()));
        assert!(replayed.is_ok(), "{replayed:?}");
        let last_seq = log.last().map_or(0, |record| record.seq);
        let now = Now {
            at: OffsetDateTime::UNIX_EPOCH,
            instant: Instant::now(),
        };
        Self {
            acquirer: Acquirer::new(ledger, last_seq, TimeScale(100)),
            log: log.to_vec(),
            now,
        }
    }

    fn call<T>(&mut self, operation: impl FnOnce(&mut Acquirer, Now) -> T) -> Result<T> {
        let result = operation(&mut self.acquirer, self.now);
        let (lines, _) = self.acquirer.unwritten.take();
        for line in serde_json::Deserializer::from_slice(&lines).into_iter() {
            self.log.push(line?);
        }
        Ok(result)
    }

    pub(super) fn authorize(
        &mut self,
        reference: &str,
        card: &str,
    ) -> Result<Result<Decision, AcquirerError>> {
        self.authorize_of("pay-1", reference, "50.00", card)
    }

    pub(super) fn authorize_of(
        &mut self,
        payment: &str,
        reference: &str,
        amount: &str,
        card: &str,
    ) -> Result<Result<Decision, AcquirerError>> {
        let request: AuthorizationRequest = serde_json::from_value(json!({
            "reference": reference, "payment": payment, "amount": amount, "currency": "USD",
            "card": { "number": card, "exp_month": 12, "exp_year": 2030, "cvc": "123" },
        }))?;
        self.call(|acquirer, now| acquirer.authorize(&request, now))
    }

    pub(super) fn void(
        &mut self,
        reference: &str,
    ) -> Result<Result<StatusResponse, AcquirerError>> {
        let reference = parse_reference(reference)?;
        self.call(|acquirer, now| acquirer.void(&reference, now))
    }

    pub(super) fn finish_pending(
        &mut self,
        reference: &str,
    ) -> Result<Result<StatusResponse, AcquirerError>> {
        let reference = parse_reference(reference)?;
        self.call(|acquirer, now| acquirer.finish_pending(&reference, now))
    }

    pub(super) fn capture(
        &mut self,
        reference: &str,
        amount: &str,
    ) -> Result<Result<Status, AcquirerError>> {
        let reference = parse_reference(reference)?;
        let request = serde_json::from_value(json!({ "amount": amount, "currency": "USD" }))?;
        let result = self.call(|acquirer, now| acquirer.capture(&reference, &request, now))?;
        Ok(result.map(|(response, _)| response.status))
    }

    pub(super) fn refund(
        &mut self,
        reference: &str,
        authorization: &str,
        amount: &str,
    ) -> Result<Result<Status, AcquirerError>> {
        let request = serde_json::from_value(json!({
            "reference": reference, "authorization": authorization, "amount": amount, "currency": "USD",
        }))?;
        Ok(self
            .call(|acquirer, now| acquirer.refund(&request, now))?
            .map(|response| response.status))
    }

    pub(super) fn enquire(&self, reference: &str) -> Result<Value> {
        let enquiry = self.acquirer.enquire(&parse_reference(reference)?);
        Ok(enquiry.map_or_else(|error| json!(error.to_string()), |enquiry| json!(enquiry)))
    }

    pub(super) fn kinds(&self) -> Vec<Kind> {
        self.log.iter().map(|record| record.entry.kind).collect()
    }
}

fn parse_reference(text: &str) -> Result<Reference> {
    Ok(Reference::try_from(text.to_owned())?)
}
