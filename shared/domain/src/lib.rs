//! The rules of payments: money, state machines, ledger postings, and which worker acts next.
//!
//! Everything here is pure. Absent on purpose: clock, network, SQL, async, and the formats of the
//! public APIs.

#[macro_use]
mod names;

pub mod authorization;
pub mod card;
pub mod customer;
pub mod delivery;
pub mod endpoint;
pub mod event;
pub mod id;
pub mod intent;
pub mod job;
pub mod ledger;
pub mod merchant;
pub mod money;
pub mod payment;
pub mod refund;
pub mod risk;
pub mod surface;
pub mod unicode;
