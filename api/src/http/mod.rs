//! HTTP in: connections, who a request comes from, how often it may come, and its body.

pub mod auth;
pub mod body;
pub mod client_ip;
pub mod health;
pub mod rate_limit;
pub mod request_id;
pub mod server;
