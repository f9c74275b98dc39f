//! finfusion, `/v2`: amounts as objects, ISO 8601 times, and 402 for a declined card.

pub mod error;
pub mod request;
pub mod response;
pub mod webhook;
