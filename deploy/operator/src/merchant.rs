//! `sluice merchant`: creates merchants, shows them, disables them and changes their settings.

mod create;
mod settings;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use domain::card::contains_card_number;
use domain::id::MerchantId;
use serde_json::{Value, json};
use store::merchants::{self, Merchant};
use store::{approvals, keys};

use crate::config::Database;
use crate::output;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a merchant and print its secrets, which cannot be shown again
    Create(create::Create),
    /// List merchants, newest first
    List(List),
    /// Show a merchant with its keys
    Show(Show),
    /// Refuse a merchant's requests within seconds; what is in progress goes on
    Disable(StateChange),
    /// Propose to accept a disabled merchant's requests again; another operator approves
    Enable(StateChange),
    /// Set what anyone who knows an intent's id can read without a key
    PublicIntents(settings::PublicIntents),
    /// Set or remove a merchant's own rate limit
    RateLimit(settings::RateLimit),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    database: Database,
    /// Only those created before this one, merchant_…: the next page
    #[arg(long, value_parser = id)]
    after: Option<MerchantId>,
    /// Maximum number of merchants
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=1_000))]
    limit: i64,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    database: Database,
    /// Id of the merchant, merchant_…
    #[arg(value_parser = id)]
    merchant: MerchantId,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct StateChange {
    #[command(flatten)]
    database: Database,
    /// Id of the merchant, merchant_…
    #[arg(value_parser = id)]
    merchant: MerchantId,
    /// Why; it is recorded
    #[arg(long)]
    reason: String,
}

/// Parses a merchant's id.
pub fn id(text: &str) -> Result<MerchantId, &'static str> {
    MerchantId::parse(text).ok_or("expected the id of a merchant, merchant_…")
}

/// Checks a reason, which is stored and shown. Not by clap, whose message would repeat the text.
pub fn reason(text: &str) -> anyhow::Result<&str> {
    let length = text.chars().count();
    ensure!(
        !text.trim().is_empty() && length <= 500,
        "a reason has 1 to 500 characters"
    );
    ensure!(
        !contains_card_number(text),
        "the reason holds what looks like a card number; nothing was changed"
    );
    Ok(text)
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(create) => create::run(create).await,
        Command::List(list) => run_list(&list).await,
        Command::Show(show) => run_show(&show).await,
        Command::Disable(change) => disable(&change).await,
        Command::Enable(change) => enable(&change).await,
        Command::PublicIntents(arguments) => settings::set_public_intents(&arguments).await,
        Command::RateLimit(arguments) => settings::set_rate_limit(&arguments).await,
    }
}

async fn disable(change: &StateChange) -> anyhow::Result<()> {
    let (db, id) = (change.database.connect().await?, change.merchant);
    let exists = merchants::disable(&db, id, reason(&change.reason)?).await?;
    ensure!(exists, "merchant {id} does not exist");
    println!("{id} disabled; its requests are refused within 5 seconds");
    Ok(())
}

async fn enable(change: &StateChange) -> anyhow::Result<()> {
    let (db, id) = (change.database.connect().await?, change.merchant);
    let proposal = approvals::propose_enabling(&db, id, reason(&change.reason)?).await?;
    println!("proposal {proposal}: enable {id}");
    println!("Another operator approves with: sluice proposal approve {proposal}");
    Ok(())
}

async fn run_list(list: &List) -> anyhow::Result<()> {
    let db = list.database.connect().await?;
    let merchants = merchants::list(&db, list.after, list.limit).await?;
    if list.json {
        let merchants: Vec<Value> = merchants.iter().map(entry).collect();
        println!("{}", serde_json::to_string(&merchants)?);
        return Ok(());
    }
    if merchants.is_empty() {
        println!("no merchants");
        return Ok(());
    }
    let rows: Vec<_> = merchants
        .into_iter()
        .map(|merchant| {
            let state = state(&merchant);
            [
                merchant.id.to_string(),
                merchant.name,
                output::minute(merchant.created_at),
                state,
            ]
        })
        .collect();
    output::table(["id", "name", "created", "state"], &rows);
    Ok(())
}

fn state(merchant: &Merchant) -> String {
    match &merchant.disabled {
        Some((since, why)) => format!("disabled since {}: {why}", output::minute(*since)),
        None => "enabled".to_owned(),
    }
}

fn entry(merchant: &Merchant) -> Value {
    let disabled = merchant.disabled.as_ref();
    json!({
        "id": merchant.id.to_string(),
        "name": merchant.name,
        "created_at": output::timestamp(merchant.created_at),
        "disabled_at": disabled.map(|(since, _)| output::timestamp(*since)),
        "disabled_reason": disabled.map(|(_, why)| why),
        "email": merchant.email,
        "currency": merchant.currency,
        "fee_basis_points": merchant.fee_basis_points,
        "rate_limit": merchant.rate_limit,
        "public_intents": merchant.public_intents,
        "endpoints": merchant.endpoints,
    })
}

/// More keys than a merchant has.
const KEYS_MAX: i64 = 1_000;

async fn run_show(show: &Show) -> anyhow::Result<()> {
    let (db, id) = (show.database.connect().await?, show.merchant);
    let merchant = merchants::find(&db, id).await?;
    let merchant = merchant.with_context(|| format!("merchant {id} does not exist"))?;
    let credentials = keys::list(&db, Some(id), KEYS_MAX).await?;
    if show.json {
        let mut shown = entry(&merchant);
        let keys: Vec<Value> = credentials.iter().map(crate::key::entry).collect();
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("keys".to_owned(), keys.into());
        }
        println!("{shown}");
        return Ok(());
    }
    let limit = merchant
        .rate_limit
        .map(|limit| format!("{limit} requests per minute and key"));
    let limit = limit.unwrap_or_else(|| "the default of each surface".to_owned());
    for (name, value) in [
        ("merchant", merchant.id.to_string()),
        ("name", merchant.name.clone()),
        ("state", state(&merchant)),
        ("created", output::minute(merchant.created_at)),
        ("email", merchant.email.unwrap_or_else(|| "-".to_owned())),
        ("currency", merchant.currency),
        ("fee", format!("{} basis points", merchant.fee_basis_points)),
        ("rate limit", limit),
        ("public intents", merchant.public_intents),
        ("endpoints", merchant.endpoints.to_string()),
    ] {
        println!("{name:<16}{}", output::clean(&value));
    }
    println!();
    crate::key::print(credentials);
    Ok(())
}
