//! What Sluice knows about payments: money, states, ledger postings and who must act next.
//!
//! Everything here is pure. Absent on purpose: clock, network, SQL, async, and the words of any
//! public API.

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
pub mod surface;
