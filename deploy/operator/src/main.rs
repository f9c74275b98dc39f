//! `sluice`: the operator's command line.

#![expect(
    clippy::print_stdout,
    reason = "a command line prints to standard output"
)]

mod config;
mod demo;
mod jobs;
mod merchant;
mod migrate;
mod rates;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use telemetry::logs::{self, Format, LogFormat};

/// The operator's command line
///
/// In a checkout where `make up` ran, the database and the keys are read from .local/sandbox.env.
#[derive(Debug, Parser)]
#[command(name = "sluice", version)]
struct Cli {
    /// The format of the log: errors
    #[command(flatten)]
    log: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Migrate the database schema to the current version, and let the processes log in
    Migrate(migrate::Migrate),
    /// Create and configure merchants
    #[command(subcommand)]
    Merchant(merchant::Command),
    /// List jobs and run parked ones again
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// Exchange rates
    #[command(subcommand)]
    Rates(rates::Command),
    /// Check that payments, ledger, jobs, events and the sandbox's log agree; exit 1 if they differ
    Verify(verify::Verify),
    /// Send the documentation's example payment and show its signed webhook
    Demo(demo::Demo),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    config::read_sandbox_env();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Cli { log, command } = Cli::parse();
    if log.log_format == Format::Json {
        logs::start(log.log_format, "info");
    }
    match run(command).await {
        Ok(code) => code,
        Err(error) if log.log_format == Format::Json => logs::exit_code(Err(error)),
        Err(error) => {
            eprintln!("sluice: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Migrate(migrate) => migrate::run(&migrate).await?,
        Command::Merchant(command) => merchant::run(command).await?,
        Command::Jobs(command) => jobs::run(command).await?,
        Command::Rates(command) => rates::run(command).await?,
        Command::Verify(verify) => return verify::run(&verify).await,
        Command::Demo(demo) => demo::run(&demo).await?,
    }
    Ok(ExitCode::SUCCESS)
}
