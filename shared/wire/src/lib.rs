//! The words of the public APIs: what requests mean, what answers and webhooks look like.
//!
//! Absent on purpose: servers, clients, the database. A surface's paths are in `api`.

pub mod card;
pub mod credentials;
pub mod customer;
pub mod error;
pub mod event;
pub mod fields;
pub mod finfusion;
pub mod finternet;
pub mod fourgeeks;
pub mod page;
pub mod paygate;
pub mod query;
pub mod signature;
pub mod status;
pub mod subscription;

#[cfg(test)]
mod samples;

/// A body that was put together from known parts, as JSON.
///
/// Structs of strings and integers always serialize; were one ever not to, the client gets an
/// empty object rather than a panic.
fn json<T: serde::Serialize>(body: &T) -> String {
    serde_json::to_string(body).unwrap_or_else(|_| "{}".to_owned())
}
