//! The gateway's hands: they listen to the bell, read the row, do what its state asks, and write
//! what came of it.
//!
//! Absent on purpose: HTTP beyond health.

pub mod config;

mod card;
mod health;
mod relay;
mod runtime;
mod webhook;

use config::{Command, Config};

/// Runs one worker until SIGTERM or SIGINT.
///
/// # Errors
/// If it cannot start, or ends by itself.
pub async fn run(config: Config) -> anyhow::Result<()> {
    match config.command {
        Command::Relay(relay) => relay::run(&relay).await,
        Command::Card(card) => card::run(&card).await,
        Command::Refund(refund) => card::refund::run(&refund).await,
        Command::Webhook(webhook) => webhook::run(&webhook).await,
    }
}
