//! `sluice rates`: how much of each currency a dollar is worth.

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use domain::money::Currency;
use rust_decimal::Decimal;
use store::rates;

use crate::config::Database;

/// What no rate reaches.
const MOST: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say what a dollar is worth from now on; payments made before keep their rate.
    Set(Set),
    /// Show the rates that count now.
    List(Database),
}

#[derive(Debug, Args)]
pub struct Set {
    #[command(flatten)]
    database: Database,
    /// The currency, ISO 4217.
    currency: String,
    /// How much of it a dollar is worth, a decimal number such as 533.48.
    per_usd: String,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Set(set) => {
            let currency = Currency::parse(&set.currency).context("no currency of ISO 4217")?;
            let per_usd = Decimal::from_str_exact(&set.per_usd).context("no decimal number")?;
            let is_rate = per_usd > Decimal::ZERO && per_usd < MOST && per_usd.scale() <= 12;
            ensure!(
                is_rate,
                "a rate is more than 0, less than {MOST}, and has at most 12 decimals"
            );
            let as_of = rates::set(&set.database.connect()?, currency, per_usd).await?;
            println!("1 USD = {per_usd} {currency} since {as_of}");
        }
        Command::List(database) => {
            for rate in rates::list(&database.connect()?).await? {
                println!(
                    "1 USD = {} {} since {}",
                    rate.per_usd, rate.currency, rate.as_of
                );
            }
        }
    }
    Ok(())
}
