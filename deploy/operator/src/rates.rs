//! `sluice rates`: exchange rates, as units of a currency per US dollar.

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use domain::money::Currency;
use rust_decimal::Decimal;
use store::rates;

use crate::config::Database;

/// Rates must be smaller than this.
const RATE_CEILING: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set the rate for new payments; existing payments keep theirs
    Set(Set),
    /// List the current rates
    List(Database),
}

#[derive(Debug, Args)]
pub struct Set {
    #[command(flatten)]
    database: Database,
    /// Currency code (ISO 4217)
    currency: String,
    /// Units of the currency per US dollar, such as 533.48
    per_usd: String,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Set(set) => {
            let currency = currency(&set.currency)?;
            let per_usd = rate(&set.per_usd)?;
            let as_of = rates::set(&set.database.connect().await?, currency, per_usd).await?;
            println!("1 USD = {per_usd} {currency} since {as_of}");
        }
        Command::List(database) => {
            for rate in rates::list(&database.connect().await?).await? {
                println!(
                    "1 USD = {} {} since {}",
                    rate.per_usd, rate.currency, rate.as_of
                );
            }
        }
    }
    Ok(())
}

/// Parses an ISO 4217 code.
pub fn currency(code: &str) -> anyhow::Result<Currency> {
    Currency::parse(code)
        .with_context(|| format!("'{code}' is not the ISO 4217 code of a currency in use"))
}

fn rate(text: &str) -> anyhow::Result<Decimal> {
    let rate = Decimal::from_str_exact(text)
        .with_context(|| format!("'{text}' is not a decimal number"))?;
    ensure!(
        rate > Decimal::ZERO && rate < RATE_CEILING && rate.scale() <= 12,
        "{text} is not a rate (more than 0, less than {RATE_CEILING}, at most 12 decimals)"
    );
    Ok(rate)
}
