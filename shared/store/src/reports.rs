//! Reports: compare everything that must agree. Each rule has a name; each difference names its rule, what breaks
//! it, and the values.

mod charges;
mod days;
mod facts;
mod findings;
mod rule;
mod scan;
mod statements;

pub use self::charges::{Charge, Range, Refund, charges, known_attempts, refunds};
pub(crate) use self::facts::names;
pub use self::findings::{Broken, Difference, Findings};
pub use self::rule::Rule;
pub use self::scan::compare;

/// How many rows were compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Compared {
    /// Payments.
    pub payments: i64,
    /// Refunds.
    pub refunds: i64,
    /// Ledger postings.
    pub postings: i64,
    /// Events.
    pub events: i64,
    /// Deliveries.
    pub deliveries: i64,
    /// Jobs.
    pub jobs: i64,
}
