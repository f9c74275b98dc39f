//! Faults: processes and stores are killed and stopped, and their connections tampered with, at exact
//! moments and at random.
//!
//! After each test no work is left, `sluice verify` finds nothing, and every final payment was
//! delivered to its merchant.

#![expect(
    clippy::indexing_slicing,
    reason = "serde_json's indexing gives null, not a panic"
)]

mod api_kills;
mod backlog;
mod broker;
mod canaries;
mod card_kills;
mod doubles;
mod endurance;
mod isolation;
mod leases;
mod load;
mod long_transactions;
mod messages;
mod parked;
mod proxy;
mod random_kills;
mod refund_doubles;
mod refund_kills;
mod refund_responses;
mod refunds;
mod reversals;
mod scene;
mod scheduler_kills;
mod shutdown;
mod stores;
mod unknown_rows;
mod upgrades;
mod webhook_kills;
mod zombies;
