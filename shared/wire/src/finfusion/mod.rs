//! finfusion, `/v2`: amount objects, ISO 8601 times, a decline is a 402.

pub mod error;
pub mod request;
pub mod response;
pub mod webhook;
