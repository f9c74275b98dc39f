//! The book: what stands after reading every record of the log in order.
//!
//! `Book::post` is the only way the book changes, at work and at replay, so
//! what a restart restores is what was there.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    cards::{Decline, Fault, Last4},
    words::{Amount, Currency, Reference},
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

/// What a record says, apart from its number and time.
///
/// A void of a reference never heard of has nothing but the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) reference: Reference,
    /// Of a refund: the authorization it gives back from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) authorization: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) payment: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<Currency>,
    /// The authorization code, or why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<Code>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) card_last4: Option<Last4>,
    /// The fault card that was used.
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

/// `A12345`, made of the number of the approval's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct ApprovalCode(pub(crate) u64);

#[derive(Debug, thiserror::Error)]
#[error("not an approval code")]
pub(crate) struct NotAnApprovalCode;

impl From<ApprovalCode> for String {
    fn from(code: ApprovalCode) -> Self {
        format!("A{:05}", code.0)
    }
}

impl TryFrom<String> for ApprovalCode {
    type Error = NotAnApprovalCode;

    fn try_from(text: String) -> Result<Self, NotAnApprovalCode> {
        let seq = text
            .strip_prefix('A')
            .and_then(|digits| digits.parse().ok());
        seq.map(Self).ok_or(NotAnApprovalCode)
    }
}

/// What was asked to be authorized, as much of it as is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) payment: Reference,
    pub(crate) amount: Amount,
    pub(crate) currency: Currency,
    pub(crate) last4: Last4,
    pub(crate) fault: Option<Fault>,
}

/// What is known of one reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authorization {
    /// None while only its void has been heard of.
    pub(crate) order: Option<Order>,
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
pub(crate) struct Book {
    pub(crate) authorizations: HashMap<Reference, Authorization>,
    pub(crate) refunds: HashMap<Reference, Refund>,
    /// The sum given back of an authorization; most have none.
    pub(crate) refunded: HashMap<Reference, Amount>,
}

/// The record cannot have been written after those before it.
#[derive(Debug, thiserror::Error)]
#[error("a {kind:?} record that does not follow from those before it")]
pub(crate) struct OutOfPlace {
    kind: Kind,
}

impl Book {
    pub(crate) fn post(&mut self, entry: Entry) -> Result<(), OutOfPlace> {
        let kind = entry.kind;
        self.turn(entry).ok_or(OutOfPlace { kind })
    }

    fn turn(&mut self, entry: Entry) -> Option<()> {
        match (entry.kind, entry.code) {
            (Kind::Approved, Some(Code::Approved(code))) => {
                self.opened(entry, Some(code), State::Approved)
            }
            (Kind::Declined, Some(Code::Declined(why))) => {
                self.opened(entry, None, State::Declined(why))
            }
            (Kind::Refused, _) => self.opened(entry, None, State::Voided),
            (Kind::Voided, _) => {
                self.voided(entry.reference);
                Some(())
            }
            (Kind::Captured, _) => {
                let authorization = self.authorizations.get_mut(&entry.reference)?;
                authorization.state = State::Captured(entry.amount?);
                Some(())
            }
            (Kind::Refunded, _) => self.refunded(entry),
            (Kind::Approved | Kind::Declined, _) => None,
        }
    }

    fn opened(&mut self, entry: Entry, approval: Option<ApprovalCode>, state: State) -> Option<()> {
        let order = Some(Order {
            payment: entry.payment?,
            amount: entry.amount?,
            currency: entry.currency?,
            last4: entry.card_last4?,
            fault: entry.fault,
        });
        self.authorizations.insert(
            entry.reference,
            Authorization {
                order,
                approval,
                state,
            },
        );
        Some(())
    }

    fn voided(&mut self, reference: Reference) {
        let unknown = Authorization {
            order: None,
            approval: None,
            state: State::Voided,
        };
        self.authorizations
            .entry(reference)
            .or_insert(unknown)
            .state = State::Voided;
    }

    fn refunded(&mut self, entry: Entry) -> Option<()> {
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
    /// An entry with nothing but its reference.
    pub(crate) fn bare(kind: Kind, reference: Reference) -> Self {
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

    pub(crate) fn about(kind: Kind, reference: Reference, order: &Order) -> Self {
        Self {
            payment: Some(order.payment.clone()),
            amount: Some(order.amount),
            currency: Some(order.currency),
            card_last4: Some(order.last4),
            fault: order.fault,
            ..Self::bare(kind, reference)
        }
    }
}
