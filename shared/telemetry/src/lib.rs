//! What operators see of a process: its metrics, its health, and the format of its log.

pub mod logs;
pub mod metrics;
pub mod server;
