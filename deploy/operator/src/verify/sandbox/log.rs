//! The sandbox's log, read record by record.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use domain::id::{AuthorizationId, PaymentId, RefundId};
use serde::Deserialize;
use store::reports::Range;

/// The compared fields of one line of the log.
#[derive(Deserialize)]
struct Record {
    kind: String,
    reference: String,
    authorization: Option<String>,
    payment: Option<String>,
    amount: Option<String>,
    currency: Option<String>,
    card_last4: Option<String>,
}

/// What the sandbox recorded of one authorization.
pub struct Authorization {
    pub payment: PaymentId,
    /// Amount and currency.
    pub money: Option<(String, String)>,
    pub card_last4: Option<String>,
    pub is_approved: bool,
    pub captured: Option<String>,
    pub captures: u32,
}

/// What the sandbox recorded of one refund, and how often.
pub struct Refunded {
    pub facts: RefundFacts,
    pub count: u32,
}

/// What was refunded.
pub struct RefundFacts {
    pub payment: PaymentId,
    pub amount: String,
    pub currency: String,
}

/// The part of the log about a range of payments, by reference.
#[derive(Default)]
pub struct Log {
    pub authorizations: BTreeMap<String, Authorization>,
    pub refunds: BTreeMap<String, Refunded>,
    /// References of records that name no payment of ours, such as voids of what the sandbox did not know.
    pub strays: Vec<String>,
}

/// Reads the records of a range's payments.
pub async fn read(url: &str, range: Range) -> anyhow::Result<Log> {
    let client = reqwest::Client::builder()
        .read_timeout(Duration::from_mins(1))
        .no_proxy()
        .build()?;
    let response = client
        .get(format!("{url}/log"))
        .send()
        .await
        .context("cannot read the sandbox's log")?;
    let mut response = response.error_for_status()?;
    let (mut log, mut pending) = (Log::default(), Vec::new());
    while let Some(chunk) = response.chunk().await? {
        pending.extend_from_slice(&chunk);
        let whole = pending.iter().rposition(|byte| *byte == b'\n');
        let rest = pending.split_off(whole.map_or(0, |last| last + 1));
        for line in pending.split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                let record = serde_json::from_slice(line);
                log.add(record.context("invalid line in the sandbox's log")?, range);
            }
        }
        pending = rest;
    }
    Ok(log)
}

impl Log {
    fn add(&mut self, record: Record, range: Range) {
        let Some(payment) = record.payment.as_deref().and_then(PaymentId::parse) else {
            self.strays.push(record.reference);
            return;
        };
        if !range.contains(payment) {
            return;
        }
        if record.kind != "refunded" {
            return self.add_authorization(payment, record);
        }
        let attempt = record.authorization.as_deref();
        if let Some(attempt) = attempt.filter(|attempt| is_return(attempt, &record.reference)) {
            if let Some(returned) = self.authorizations.get_mut(attempt) {
                returned.is_approved = false;
            }
            return;
        }
        let facts = RefundFacts {
            payment,
            amount: record.amount.unwrap_or_default(),
            currency: record.currency.unwrap_or_default(),
        };
        let refunded = Refunded { facts, count: 0 };
        let refunded = self.refunds.entry(record.reference).or_insert(refunded);
        refunded.count = refunded.count.saturating_add(1);
    }

    fn add_authorization(&mut self, payment: PaymentId, record: Record) {
        let one = self.authorizations.entry(record.reference);
        let one = one.or_insert(Authorization {
            payment,
            money: None,
            card_last4: None,
            is_approved: false,
            captured: None,
            captures: 0,
        });
        match record.kind.as_str() {
            "approved" => one.is_approved = true,
            "voided" => one.is_approved = false,
            "captured" => {
                one.captured.clone_from(&record.amount);
                one.captures = one.captures.saturating_add(1);
            }
            _ => {}
        }
        one.money = one.money.take().or(record.amount.zip(record.currency));
        one.card_last4 = one.card_last4.take().or(record.card_last4);
    }
}

/// Whether a refund returns a capture that its payment did not need: then it has the attempt's id.
fn is_return(attempt: &str, refund: &str) -> bool {
    let attempt = AuthorizationId::parse(attempt).map(|attempt| attempt.0);
    attempt.is_some() && attempt == RefundId::parse(refund).map(|refund| refund.0)
}
