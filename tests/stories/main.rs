//! Stories: what merchants experience, over the real processes.
//!
//! Each test has a gateway of its own and ends with `finish`, which fails on leftovers.

#![expect(
    clippy::indexing_slicing,
    reason = "JSON is read by its members; one that is missing is null and fails its assertion"
)]

mod anonymous;
mod blocklist;
mod card_testing;
mod clients;
mod customers;
mod deleted_checkout;
mod disconnects;
mod document;
mod faults;
mod idempotency;
mod large_lists;
mod limits;
mod measured_attempts;
mod metrics;
mod operators;
mod plans;
mod power_cut;
mod previous;
mod retention;
mod retries;
mod roles;
mod signatures;
mod tenancy;
mod verify;
mod webhook_control;
mod webhook_health;
mod webhook_secrets;
mod webhook_surfaces;
mod webhook_tests;
mod webhooks;
