//! `sluice`: the operator's command line.

#![expect(
    clippy::print_stdout,
    reason = "a command line answers on standard output"
)]

mod config;
mod demo;
mod jobs;
mod merchant;
mod rates;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Database;

/// The operator's command line. In a checkout where `make up` ran, it finds the database and the
/// keys of that gateway by itself.
#[derive(Debug, Parser)]
#[command(name = "sluice", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring the database's schema up to date.
    Migrate(Database),
    /// Merchants.
    #[command(subcommand)]
    Merchant(merchant::Command),
    /// Jobs on the calendar.
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// How much of each currency a dollar is worth.
    #[command(subcommand)]
    Rates(rates::Command),
    /// Compare payments, ledger, jobs, events and the sandbox's log; exits 1 if anything differs.
    Verify(verify::Verify),
    /// Make the documentation's example payment and show its signed webhook.
    Demo(demo::Demo),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    config::read_sandbox_env();
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(Cli::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sluice: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Migrate(database) => store::migrate(&database.connect()?).await?,
        Command::Merchant(command) => merchant::run(command).await?,
        Command::Jobs(command) => jobs::run(command).await?,
        Command::Rates(command) => rates::run(command).await?,
        Command::Verify(verify) => return verify::run(&verify).await,
        Command::Demo(demo) => demo::run(&demo).await?,
    }
    Ok(ExitCode::SUCCESS)
}
