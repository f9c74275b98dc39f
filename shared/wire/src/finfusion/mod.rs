//! finfusion, `/v2`: amount objects, ISO 8601 times. Webhook endpoints and what they are told.

pub mod error;
pub mod response;
pub mod webhook;
