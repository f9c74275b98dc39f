//! `sluice merchant public-intents` and `rate-limit`.

use anyhow::{Context, ensure};
use clap::Args;
use domain::id::MerchantId;
use domain::merchant;
use store::merchants;

use crate::config::Database;

#[derive(Debug, Args)]
pub struct PublicIntents {
    #[command(flatten)]
    database: Database,
    /// Id of the merchant, merchant_…
    #[arg(value_parser = super::id)]
    merchant: MerchantId,
    /// Everything, or without merchant, settlement destination and metadata
    #[arg(value_parser = merchant::PublicIntents::ALL.map(merchant::PublicIntents::name))]
    choice: String,
}

#[derive(Debug, Args)]
pub struct RateLimit {
    #[command(flatten)]
    database: Database,
    /// Id of the merchant, merchant_…
    #[arg(value_parser = super::id)]
    merchant: MerchantId,
    /// Requests per minute for each key; if missing, each surface's own limit applies again
    #[arg(value_parser = clap::value_parser!(i32).range(1..))]
    limit: Option<i32>,
}

pub async fn set_public_intents(arguments: &PublicIntents) -> anyhow::Result<()> {
    let id = arguments.merchant;
    let choice = merchant::PublicIntents::parse(&arguments.choice);
    let choice = choice.with_context(|| format!("unknown choice '{}'", arguments.choice))?;
    let db = arguments.database.connect().await?;
    let exists = merchants::set_public_intents(&db, id, choice).await?;
    ensure!(exists, "merchant {id} does not exist");
    println!("public intents of {id}: {}", choice.name());
    Ok(())
}

pub async fn set_rate_limit(arguments: &RateLimit) -> anyhow::Result<()> {
    let id = arguments.merchant;
    let db = arguments.database.connect().await?;
    let exists = merchants::set_rate_limit(&db, id, arguments.limit).await?;
    ensure!(exists, "merchant {id} does not exist");
    match arguments.limit {
        Some(limit) => println!("rate limit of {id}: {limit} requests per minute, key and surface"),
        None => println!("rate limit of {id}: the default of each surface"),
    }
    Ok(())
}
