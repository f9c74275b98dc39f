//! The status of payments on paygate and finfusion, and of refunds on these and fourgeeks.

use domain::{payment, refund};
use schemars::JsonSchema;
use serde::Serialize;

/// Status of a payment or refund. `succeeded` and `failed` are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The outcome is not known yet.
    Pending,
    /// The payer was charged or refunded.
    Succeeded,
    /// The payer was not and will not be charged or refunded.
    Failed,
}

impl Status {
    /// The status of a payment in this state.
    pub const fn of_payment(state: payment::State) -> Self {
        match state {
            payment::State::Created | payment::State::Authorizing | payment::State::Capturing => {
                Status::Pending
            }
            payment::State::Captured => Status::Succeeded,
            payment::State::Failed | payment::State::Expired => Status::Failed,
        }
    }

    /// The status of a refund in this state.
    pub const fn of_refund(state: refund::State) -> Self {
        match state {
            refund::State::Refunding => Status::Pending,
            refund::State::Refunded => Status::Succeeded,
            refund::State::Failed => Status::Failed,
        }
    }

    /// Parses the name of a status.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "pending" => Some(Status::Pending),
            "succeeded" => Some(Status::Succeeded),
            "failed" => Some(Status::Failed),
            _ => None,
        }
    }

    /// The states of payments with this status.
    pub fn payment_states(self) -> Vec<payment::State> {
        let all = payment::State::ALL.into_iter();
        all.filter(|state| Self::of_payment(*state) == self)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payment_is_found_under_exactly_one_status() {
        let mut found = Vec::new();
        for word in ["pending", "succeeded", "failed"] {
            let status = Status::parse(word);
            let written = serde_json::to_value(status).ok();
            assert_eq!(written, Some(word.into()));
            found.extend(status.map(Status::payment_states).unwrap_or_default());
        }
        found.sort_by_key(|state| state.name());
        let mut all = payment::State::ALL;
        all.sort_by_key(|state| state.name());
        assert_eq!(found, all);
        assert_eq!(Status::parse("Pending"), None);
    }
}
