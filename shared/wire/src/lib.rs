//! Formats of the public APIs: how requests are read, and how responses, errors and webhooks are
//! written.
//!
//! Contains no servers, clients or database access. The paths of each surface are in `api`.

pub mod absolute_url;
pub mod attempt;
pub mod card;
pub mod credentials;
pub mod customer;
mod decimal;
pub mod error;
pub mod event;
pub mod fields;
pub mod finfusion;
pub mod finternet;
pub mod fourgeeks;
mod health;
mod iso8601;
pub mod limits;
pub mod numbers;
pub mod page;
pub mod paygate;
pub mod query;
pub mod signature;
pub mod status;
pub mod subscription;

#[cfg(test)]
mod samples;

use serde::Serialize;

/// An object of a surface, which is sent as a response.
pub trait Body: Serialize {
    /// Serializes the response body.
    fn body(&self) -> String {
        json(self)
    }
}

impl<T: Serialize> Body for T {}

/// Serializes a response body.
///
/// Structs of strings and integers always serialize. If one did not, the client would receive an
/// empty object rather than the task panicking.
fn json<T: Serialize + ?Sized>(body: &T) -> String {
    serde_json::to_string(body).unwrap_or_else(|_| "{}".to_owned())
}
