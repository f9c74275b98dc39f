//! What the sandbox acquirer did, from its own log.

use std::fs;

use anyhow::Result;
use serde::Deserialize;

use crate::gateway::Gateway;

/// One line of the acquirer's log.
#[derive(Debug, Clone, Deserialize)]
#[expect(missing_docs, reason = "the acquirer's names")]
pub struct Record {
    pub seq: u64,
    /// `approved`, `declined`, `captured`, `voided`, `refused` or `refunded`.
    pub kind: String,
    /// Our reference: the authorization, `auth_…`.
    pub reference: String,
    /// `pay_…`; none in a void of an unknown reference.
    pub payment: Option<String>,
    pub amount: Option<String>,
    pub currency: Option<String>,
    pub code: Option<String>,
    pub fault: Option<String>,
}

impl Gateway {
    /// Everything the acquirer has done since the case began, in order.
    pub fn sandbox_log(&self) -> Result<Vec<Record>> {
        let text = fs::read_to_string(self.dir.join("acquirer.jsonl"))?;
        // Half a line at the end is a kill in the middle of a write.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let whole = text.get(..whole).unwrap_or_default();
        let lines = whole.lines().skip(self.before_case.acquirer);
        let records = lines.map(serde_json::from_str);
        Ok(records.collect::<Result<_, _>>()?)
    }

    /// What it did for one payment, as `approved`, `captured`, …
    pub fn acquirer_did(&self, payment: &str) -> Result<Vec<String>> {
        let records = self.sandbox_log()?.into_iter();
        let of = records.filter(|record| record.payment.as_deref() == Some(payment));
        Ok(of.map(|record| record.kind).collect())
    }
}
