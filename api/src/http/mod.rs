//! Incoming HTTP: connections, authentication, client addresses, rate limits and request bodies.

pub mod anonymous;
pub mod auth;
pub mod body;
pub mod client_ip;
pub mod file;
pub mod headers;
pub mod health;
pub mod hit_counter;
pub mod rate_limit;
pub mod request_id;
pub mod response;
pub mod server;
pub mod shares;
mod socket;
