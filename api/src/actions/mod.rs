//! Use cases, independent of any surface's format.

pub mod access_tokens;
pub mod card_testing;
pub mod cursor;
pub mod customers;
pub mod idempotency;
pub mod intents;
pub mod payments;
pub mod refunds;
pub mod sealing_key;
pub mod wait;
pub mod webhook_deliveries;
pub mod webhook_endpoints;
