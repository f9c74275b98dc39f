//! `sluice merchant`: creates merchants and changes their settings.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use domain::id::MerchantId;
use domain::merchant::{self, FEE_BASIS_POINTS_DEFAULT, Mode};
use serde::Serialize;
use store::key_file;
use store::merchants::{self, New};
use wire::signature::Key;

use crate::config::Database;
use crate::rates::currency;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a merchant and print its secrets, which cannot be shown again
    Create(Create),
    /// Set what anyone who knows an intent's id can read without a key
    PublicIntents(PublicIntents),
    /// Set or remove a merchant's own rate limit
    RateLimit(RateLimit),
}

#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    database: Database,
    /// Name of the merchant
    #[arg(long)]
    name: String,
    /// Requests per minute for each of its keys [default: each surface's own limit]
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
    rate_limit: Option<i32>,
    /// Fee in hundredths of a percent of each captured amount
    #[arg(long, default_value_t = i16::try_from(FEE_BASIS_POINTS_DEFAULT).unwrap_or_default(),
          value_parser = clap::value_parser!(i16).range(0..=10_000))]
    fee_basis_points: i16,
    /// E-mail address for payers
    #[arg(long)]
    email: Option<String>,
    /// The merchant's currency (ISO 4217), in which lists show exchange rates
    #[arg(long, default_value = "USD")]
    currency: String,
    /// File of 64 hex digits from which webhook secrets are derived; the same as for the API and
    /// the webhook worker
    #[arg(
        long,
        env = "SLUICE_WEBHOOK_KEY_FILE",
        default_value = ".local/secrets/webhook.key"
    )]
    webhook_key_file: PathBuf,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct PublicIntents {
    #[command(flatten)]
    database: Database,
    /// Id of the merchant, merchant_…
    merchant: String,
    /// Everything, or without merchant, settlement destination and metadata
    #[arg(value_parser = merchant::PublicIntents::ALL.map(merchant::PublicIntents::name))]
    choice: String,
}

#[derive(Debug, Args)]
pub struct RateLimit {
    #[command(flatten)]
    database: Database,
    /// Id of the merchant, merchant_…
    merchant: String,
    /// Requests per minute for each key; if missing, each surface's own limit applies again
    #[arg(value_parser = clap::value_parser!(i32).range(1..))]
    limit: Option<i32>,
}

#[derive(Serialize)]
struct Output<'a> {
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
        Command::PublicIntents(arguments) => run_public_intents(&arguments).await,
        Command::RateLimit(arguments) => run_rate_limit(&arguments).await,
    }
}

async fn run_public_intents(arguments: &PublicIntents) -> anyhow::Result<()> {
    let id = merchant_id(&arguments.merchant)?;
    let choice = merchant::PublicIntents::parse(&arguments.choice);
    let choice = choice.with_context(|| format!("unknown choice '{}'", arguments.choice))?;
    let db = arguments.database.connect()?;
    let exists = merchants::set_public_intents(&db, id, choice).await?;
    ensure!(exists, "merchant {id} does not exist");
    println!("public intents of {id}: {}", choice.name());
    Ok(())
}

async fn run_rate_limit(arguments: &RateLimit) -> anyhow::Result<()> {
    let id = merchant_id(&arguments.merchant)?;
    let db = arguments.database.connect()?;
    let exists = merchants::set_rate_limit(&db, id, arguments.limit).await?;
    ensure!(exists, "merchant {id} does not exist");
    match arguments.limit {
        Some(limit) => println!("rate limit of {id}: {limit} requests per minute, key and surface"),
        None => println!("rate limit of {id}: the default of each surface"),
    }
    Ok(())
}

fn merchant_id(text: &str) -> anyhow::Result<MerchantId> {
    let id = MerchantId::parse(text);
    id.with_context(|| format!("'{text}' is not a merchant id (expected merchant_...)"))
}

async fn run_create(create: Create) -> anyhow::Result<()> {
    let webhook_key = Key::new(*key_file::read(&create.webhook_key_file)?);
    let new = New {
        name: create.name,
        rate_limit: create.rate_limit,
        fee_basis_points: create.fee_basis_points,
        email: create.email,
        currency: currency(&create.currency)?,
    };
    let created = merchants::create(&create.database.connect()?, &new).await?;
    let webhook_secret = webhook_key.account(created.merchant_id, Mode::Test).text();
    let output = Output {
        merchant_id: created.merchant_id.to_string(),
        test_key: &created.test_key,
        live_key: &created.live_key,
        client_id: &created.client_id,
        client_secret: &created.client_secret,
        webhook_secret: &webhook_secret,
    };
    if create.json {
        println!("{}", serde_json::to_string(&output)?);
        return Ok(());
    }
    println!("merchant        {}", output.merchant_id);
    println!("test key        {}", output.test_key);
    println!("live key        {}", output.live_key);
    println!("client id       {}", output.client_id);
    println!("client secret   {}", output.client_secret);
    println!("webhook secret  {}", output.webhook_secret);
    println!("\nStore the secrets now; they cannot be shown again.");
    Ok(())
}
