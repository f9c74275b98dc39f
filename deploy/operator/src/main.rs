//! `sluice`: the operator's command line.

#[macro_use]
mod output;

mod audit;
mod blocklist;
mod config;
mod demo;
mod failure;
mod jobs;
mod key;
mod merchant;
mod migrate;
mod operator;
mod proposal;
mod rates;
mod status;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use telemetry::logs::{self, Format, LogFormat};

/// The operator's command line
///
/// In a checkout where `make up` ran, the database and the keys are read from .local/sandbox.env.
///
/// Exit codes: 0 success; 1 the command failed, or something needs a person (`status`) or differs
/// (`verify`); 2 wrong arguments, or not everything could be compared (`verify`).
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
    /// Show what runs, what waits, and what needs a person; exit 1 if something does
    Status(status::Status),
    /// Migrate the database schema to the current version, and let the processes log in
    Migrate(migrate::Migrate),
    /// Add and remove the logins of operators
    #[command(subcommand)]
    Operator(operator::Command),
    /// Create, configure and disable merchants
    #[command(subcommand)]
    Merchant(merchant::Command),
    /// List, roll and revoke API keys and client secrets
    #[command(subcommand)]
    Key(key::Command),
    /// List jobs and run parked ones again
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// What an operator proposes and another approves
    #[command(subcommand)]
    Proposal(proposal::Command),
    /// Show what operators did, newest first
    Audit(audit::Audit),
    /// Cards, payers and networks that are refused at every merchant
    #[command(subcommand)]
    Blocklist(blocklist::Command),
    /// Exchange rates
    #[command(subcommand)]
    Rates(rates::Command),
    /// Check that payments, ledger, jobs, events and the sandbox's log agree; exit 1 if they differ, 2 if not all
    /// could be compared
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
            output::failure(&failure::text(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Status(status) => return status::run(&status).await,
        Command::Migrate(migrate) => migrate::run(&migrate).await?,
        Command::Operator(command) => operator::run(command).await?,
        Command::Merchant(command) => merchant::run(command).await?,
        Command::Key(command) => key::run(command).await?,
        Command::Jobs(command) => jobs::run(command).await?,
        Command::Proposal(command) => proposal::run(command).await?,
        Command::Audit(audit) => audit::run(&audit).await?,
        Command::Blocklist(command) => blocklist::run(command).await?,
        Command::Rates(command) => rates::run(command).await?,
        Command::Verify(verify) => return Ok(verify::run(&verify).await),
        Command::Demo(demo) => demo::run(&demo).await?,
    }
    Ok(ExitCode::SUCCESS)
}
