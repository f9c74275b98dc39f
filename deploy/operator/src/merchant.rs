//! `sluice merchant`: making merchants, and what is decided for each.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use domain::id::MerchantId;
use domain::merchant::{self, FEE_BASIS_POINTS_DEFAULT, Mode};
use domain::money::Currency;
use serde::Serialize;
use store::key_file;
use store::merchants::{self, New};
use wire::signature::Key;

use crate::config::Database;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a merchant and show its secrets, once.
    Create(Create),
    /// Say what whoever holds an intent's id may read of it without a key.
    PublicIntents(PublicIntents),
    /// Say how many requests a minute each of a merchant's keys may make.
    RateLimit(RateLimit),
}

#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    database: Database,
    /// The merchant's name.
    #[arg(long)]
    name: String,
    /// Requests a minute for each of its keys; without it the default of the surface.
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
    rate_limit: Option<i32>,
    /// The fee in hundredths of a percent of each captured amount.
    #[arg(long, default_value_t = i16::try_from(FEE_BASIS_POINTS_DEFAULT).unwrap_or_default(),
          value_parser = clap::value_parser!(i16).range(0..=10_000))]
    fee_basis_points: i16,
    /// Where payers may write to.
    #[arg(long)]
    email: Option<String>,
    /// Its own currency, ISO 4217, in which lists show rates.
    #[arg(long, default_value = "USD")]
    currency: String,
    /// File of 64 hex digits that webhook secrets are derived from; the API's and the webhook
    /// worker's.
    #[arg(
        long,
        env = "SLUICE_WEBHOOK_KEY_FILE",
        default_value = ".local/secrets/webhook.key"
    )]
    webhook_key_file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct PublicIntents {
    #[command(flatten)]
    database: Database,
    /// The merchant, `merchant_…`.
    merchant: String,
    /// All of it, or without merchant, settlement destination and metadata.
    #[arg(value_parser = merchant::PublicIntents::ALL.map(merchant::PublicIntents::name))]
    choice: String,
}

#[derive(Debug, Args)]
pub struct RateLimit {
    #[command(flatten)]
    database: Database,
    /// The merchant, `merchant_…`.
    merchant: String,
    /// Requests a minute; without it the surfaces' own limits count again.
    #[arg(value_parser = clap::value_parser!(i32).range(1..))]
    limit: Option<i32>,
}

#[derive(Serialize)]
struct Shown<'a> {
    merchant_id: String,
    test_key: &'a str,
    live_key: &'a str,
    client_id: &'a str,
    client_secret: &'a str,
    webhook_secret: &'a str,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(create) => run_create(create).await,
        Command::PublicIntents(asked) => run_public_intents(&asked).await,
        Command::RateLimit(asked) => run_rate_limit(&asked).await,
    }
}

async fn run_public_intents(asked: &PublicIntents) -> anyhow::Result<()> {
    let id = MerchantId::parse(&asked.merchant).context("no merchant's id")?;
    let choice = merchant::PublicIntents::parse(&asked.choice).context("no such choice")?;
    let db = asked.database.connect()?;
    let is_done = merchants::set_public_intents(&db, id, choice).await?;
    anyhow::ensure!(is_done, "there is no merchant {id}");
    println!("public intents of {id} are {}", choice.name());
    Ok(())
}

async fn run_rate_limit(asked: &RateLimit) -> anyhow::Result<()> {
    let id = MerchantId::parse(&asked.merchant).context("no merchant's id")?;
    let db = asked.database.connect()?;
    let is_done = merchants::set_rate_limit(&db, id, asked.limit).await?;
    anyhow::ensure!(is_done, "there is no merchant {id}");
    match asked.limit {
        Some(limit) => println!("each key of {id} may make {limit} requests a minute on a surface"),
        None => println!("the surfaces' own limits count for {id}"),
    }
    Ok(())
}

async fn run_create(create: Create) -> anyhow::Result<()> {
    let webhook_key = Key::new(*key_file::read(&create.webhook_key_file)?);
    let new = New {
        name: create.name,
        rate_limit: create.rate_limit,
        fee_basis_points: create.fee_basis_points,
        email: create.email,
        currency: Currency::parse(&create.currency).context("no currency of ISO 4217")?,
    };
    let made = merchants::create(&create.database.connect()?, &new).await?;
    let webhook_secret = webhook_key.account(made.merchant_id, Mode::Test).text();
    let shown = Shown {
        merchant_id: made.merchant_id.to_string(),
        test_key: &made.test_key,
        live_key: &made.live_key,
        client_id: &made.client_id,
        client_secret: &made.client_secret,
        webhook_secret: &webhook_secret,
    };
    if create.json {
        println!("{}", serde_json::to_string(&shown)?);
        return Ok(());
    }
    println!("merchant        {}", shown.merchant_id);
    println!("test key        {}", shown.test_key);
    println!("live key        {}", shown.live_key);
    println!("client id       {}", shown.client_id);
    println!("client secret   {}", shown.client_secret);
    println!("webhook secret  {}", shown.webhook_secret);
    println!("\nThe secrets are not shown again.");
    Ok(())
}
