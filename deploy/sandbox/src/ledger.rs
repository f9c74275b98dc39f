//! The acquirer's state, computed from the records of the log.
//!
//! `Ledger::apply` is the only function that changes it, both for new records and at replay, so a
//! restart restores exactly the previous state.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    cards::{Decline, Fault, Last4},
    fields::{Amount, Currency, Reference},
};

/// One line of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) seq: u64,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    #[serde(flatten)]
    pub(crate) entry: Entry,
}

/// The content of a record, apart from its number and time. A void of an unknown reference contains
/// only the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) reference: Reference,
    /// For a refund: the authorization that is refunded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) authorization: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) payment: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<Currency>,
    /// The approval code or the reason for the decline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<Code>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) card_last4: Option<Last4>,
    /// The fault of the card that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Approved,
    Declined,
    Captured,
    Voided,
    Refused,
    Refunded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Code {
    Declined(Decline),
    Approved(ApprovalCode),
}

/// `A12345`: the number of the approval's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct ApprovalCode(pub(crate) u64);

#[derive(Debug, thiserror::Error)]
#[error("not an approval code")]
pub(crate) struct ApprovalCodeError;

impl From<ApprovalCode> for String {
    fn from(code: ApprovalCode) -> Self {
        format!("A{:05}", code.0)
    }
}

impl TryFrom<String> for ApprovalCode {
    type Error = ApprovalCodeError;

    fn try_from(text: String) -> Result<Self, ApprovalCodeError> {
        let seq = text
            .strip_prefix('A')
            .and_then(|digits| digits.parse().ok());
        seq.map(Self).ok_or(ApprovalCodeError)
    }
}

/// The recorded part of an authorization request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) payment: Reference,
    pub(crate) amount: Amount,
    pub(crate) currency: Currency,
    pub(crate) last4: Last4,
    pub(crate) fault: Option<Fault>,
}

/// The state of one reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authorization {
    /// `None` if only a void was received.
    pub(crate) details: Option<Details>,
    pub(crate) approval: Option<ApprovalCode>,
    pub(crate) state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Approved,
    Declined(Decline),
    Captured(Amount),
    Voided,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Refund {
    pub(crate) authorization: Reference,
    pub(crate) amount: Amount,
    pub(crate) currency: Currency,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) authorizations: HashMap<Reference, Authorization>,
    pub(crate) refunds: HashMap<Reference, Refund>,
    /// The sum of refunds by authorization.
    pub(crate) refunded: HashMap<Reference, Amount>,
}

/// The record contradicts the earlier ones.
#[derive(Debug, thiserror::Error)]
#[error("a {kind:?} record contradicts earlier records")]
pub(crate) struct InvalidRecord {
    kind: Kind,
}

impl Ledger {
    pub(crate) fn apply(&mut self, entry: Entry) -> Result<(), InvalidRecord> {
        let kind = entry.kind;
        self.apply_entry(entry).ok_or(InvalidRecord { kind })
    }

    fn apply_entry(&mut self, entry: Entry) -> Option<()> {
        match (entry.kind, entry.code) {
            (Kind::Approved, Some(Code::Approved(code))) => {
                self.insert(entry, Some(code), State::Approved)
            }
            (Kind::Declined, Some(Code::Declined(why))) => {
                self.insert(entry, None, State::Declined(why))
            }
            (Kind::Refused, _) => self.insert(entry, None, State::Voided),
            (Kind::Voided, _) => {
                self.void(entry.reference);
                Some(())
            }
            (Kind::Captured, _) => {
                let authorization = self.authorizations.get_mut(&entry.reference)?;
                authorization.state = State::Captured(entry.amount?);
                Some(())
            }
            (Kind::Refunded, _) => self.refund(entry),
            (Kind::Approved | Kind::Declined, _) => None,
        }
    }

    fn insert(&mut self, entry: Entry, approval: Option<ApprovalCode>, state: State) -> Option<()> {
        let details = Some(Details {
            payment: entry.payment?,
            amount: entry.amount?,
            currency: entry.currency?,
            last4: entry.card_last4?,
            fault: entry.fault,
        });
        self.authorizations.insert(
            entry.reference,
            Authorization {
                details,
                approval,
                state,
            },
        );
        Some(())
    }

    fn void(&mut self, reference: Reference) {
        let unknown = Authorization {
            details: None,
            approval: None,
            state: State::Voided,
        };
        self.authorizations
            .entry(reference)
            .or_insert(unknown)
            .state = State::Voided;
    }

    fn refund(&mut self, entry: Entry) -> Option<()> {
        let (authorization, amount) = (entry.authorization?, entry.amount?);
        let before = self.refunded.get(&authorization);
        let sum = before.map_or(Some(amount), |before| before.plus(amount))?;
        self.refunded.insert(authorization.clone(), sum);
        let refund = Refund {
            authorization,
            amount,
            currency: entry.currency?,
        };
        self.refunds.insert(entry.reference, refund);
        Some(())
    }
}

impl Entry {
    /// An entry with only a reference.
    pub(crate) fn new(kind: Kind, reference: Reference) -> Self {
        Self {
            kind,
            reference,
            authorization: None,
            payment: None,
            amount: None,
            currency: None,
            code: None,
            card_last4: None,
            fault: None,
        }
    }

    pub(crate) fn with_details(kind: Kind, reference: Reference, details: &Details) -> Self {
        Self {
            payment: Some(details.payment.clone()),
            amount: Some(details.amount),
            currency: Some(details.currency),
            card_last4: Some(details.last4),
            fault: details.fault,
            ..Self::new(kind, reference)
        }
    }
}
