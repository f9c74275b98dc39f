//! The workers: each consumes its queue, reads the row, does what the row's state requires, and writes the
//! outcome.
//!
//! Absent on purpose: HTTP servers other than that of health and metrics.

pub mod config;

mod acquirers;
mod card;
mod cleanup;
mod health;
mod refund;
mod runtime;
mod scheduler;
mod webhook;

use config::{Command, Config};

/// Runs one worker until SIGTERM or SIGINT. Fails if the worker cannot start, or ends by itself.
pub async fn run(config: Config) -> anyhow::Result<()> {
    match config.command {
        Command::Scheduler(scheduler) => scheduler::run(&scheduler).await,
        Command::Card(card) => card::run(&card).await,
        Command::Refund(refund) => refund::run(&refund).await,
        Command::Webhook(webhook) => webhook::run(&webhook).await,
    }
}
