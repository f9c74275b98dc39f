//! The ledger: double entry; each posting has one currency and sums to zero.
//!
//! Debits are positive, credits negative. An authorization holds funds at the acquirer for the
//! merchant. A capture releases the hold and posts what the acquirer owes us, what we owe the
//! merchant, and the fee.

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::id::{PaymentId, RefundId};
use crate::money::Money;
use crate::payment::Event;

/// A ledger account of a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Account {
    /// Funds that authorizations hold at the acquirer (debit).
    AcquirerHold,
    /// Funds that authorizations hold for the merchant (credit).
    MerchantHold,
    /// What the acquirer owes us for captures (debit).
    AcquirerReceivable,
    /// What we owe the merchant (credit).
    MerchantBalance,
    /// Fees the gateway has earned (credit).
    FeeRevenue,
}

names!(Account {
    AcquirerHold = "acquirer_hold",
    MerchantHold = "merchant_hold",
    AcquirerReceivable = "acquirer_receivable",
    MerchantBalance = "merchant_balance",
    FeeRevenue = "fee_revenue",
});

/// The reason for a posting. A payment has at most one posting of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An authorization was approved.
    Hold,
    /// The hold ended, by capture or void.
    Release,
    /// The payment was captured.
    Capture,
    /// A captured amount is refunded to the payer; the fee is not returned.
    Refund,
}

names!(Kind {
    Hold = "hold",
    Release = "release",
    Capture = "capture",
    Refund = "refund",
});

/// What makes a posting necessary. Each cause posts each kind once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A payment.
    Payment(PaymentId),
    /// A refund.
    Refund(RefundId),
}

impl Cause {
    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Cause::Payment(_) => "payment",
            Cause::Refund(_) => "refund",
        }
    }

    /// The id of the payment or refund.
    pub const fn id(self) -> Uuid {
        match self {
            Cause::Payment(id) => id.0,
            Cause::Refund(id) => id.0,
        }
    }
}

/// One line of a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The account.
    pub account: Account,
    /// The amount in major units: a debit if positive, a credit if negative.
    pub amount: Decimal,
}

/// Entries that are written together. They sum to zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The reason.
    pub kind: Kind,
    /// The entries.
    pub entries: Vec<Entry>,
}

/// The postings of what happened to a payment in one commit. `fee_basis_points` is the merchant's fee.
///
/// An authorization that is captured in the same commit posts the capture alone: nobody could have
/// seen the hold.
pub fn postings(events: &[Event], money: Money, fee_basis_points: u16) -> Vec<Posting> {
    let after = |event: &Event| match event {
        Event::Authorized => vec![hold(money.amount())],
        Event::Captured => vec![release(money.amount()), capture(money, fee_basis_points)],
        Event::CaptureRejected => vec![release(money.amount())],
        Event::Declined(_) | Event::AttemptsExhausted | Event::CardDestroyed | Event::Expired => {
            vec![]
        }
    };
    match events {
        [Event::Authorized, Event::Captured] => vec![capture(money, fee_basis_points)],
        events => events.iter().flat_map(after).collect(),
    }
}

fn hold(amount: Decimal) -> Posting {
    transfer(
        Kind::Hold,
        Account::AcquirerHold,
        Account::MerchantHold,
        amount,
    )
}

fn release(amount: Decimal) -> Posting {
    transfer(
        Kind::Release,
        Account::MerchantHold,
        Account::AcquirerHold,
        amount,
    )
}

/// The posting of a refund.
pub fn refund(money: Money) -> Posting {
    transfer(
        Kind::Refund,
        Account::MerchantBalance,
        Account::AcquirerReceivable,
        money.amount(),
    )
}

fn transfer(kind: Kind, debit: Account, credit: Account, amount: Decimal) -> Posting {
    let entries = vec![
        Entry {
            account: debit,
            amount,
        },
        Entry {
            account: credit,
            amount: -amount,
        },
    ];
    Posting { kind, entries }
}

fn capture(money: Money, fee_basis_points: u16) -> Posting {
    let fee = money.share(fee_basis_points);
    let entries = [
        (Account::AcquirerReceivable, money.amount()),
        (Account::MerchantBalance, fee - money.amount()),
        (Account::FeeRevenue, -fee),
    ];
    let entries = entries
        .into_iter()
        .filter(|(_, amount)| !amount.is_zero())
        .map(|(account, amount)| Entry { account, amount })
        .collect();
    Posting {
        kind: Kind::Capture,
        entries,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::{Currency, MINOR_MAX};

    proptest! {
        #[test]
        fn every_posting_balances(minor in 1..=MINOR_MAX, code in prop::sample::select(vec!["USD", "JPY", "KWD"]), fee in 0..=10_000_u16) {
            let Some(currency) = Currency::parse(code) else { return Err(TestCaseError::fail("no currency")) };
            let money = Money::from_minor(minor, currency)?;
            for event in [Event::Authorized, Event::Captured, Event::CaptureRejected] {
                for posting in postings(&[event], money, fee) {
                    let sum: Decimal = posting.entries.iter().map(|entry| entry.amount).sum();
                    prop_assert_eq!(sum, Decimal::ZERO);
                    prop_assert!(posting.entries.len() >= 2);
                    prop_assert!(posting.entries.iter().all(|entry| entry.amount.scale() == currency.exponent()));
                }
            }
        }

        #[test]
        fn the_end_of_a_payment_releases_its_hold(minor in 1..=MINOR_MAX) {
            let Some(currency) = Currency::parse("USD") else { return Err(TestCaseError::fail("no currency")) };
            let money = Money::from_minor(minor, currency)?;
            for end in [Event::Captured, Event::CaptureRejected] {
                let held: Decimal = [Event::Authorized, end].into_iter()
                    .flat_map(|event| postings(&[event], money, 290))
                    .flat_map(|posting| posting.entries)
                    .filter(|entry| entry.account == Account::AcquirerHold)
                    .map(|entry| entry.amount)
                    .sum();
                prop_assert_eq!(held, Decimal::ZERO);
            }
        }
    }
}
