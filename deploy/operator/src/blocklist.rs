//! `sluice blocklist`: cards, payers and networks that are refused at every merchant.

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use domain::id::PaymentId;
use domain::risk::Listed;
use ipnet::IpNet;
use serde_json::{Value, json};
use store::PgPool;
use store::risk::blocklist;

use crate::config::Database;
use crate::merchant::reason;
use crate::output;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Block a card, the first digits of cards, an e-mail address or a network
    Add(Add),
    /// Stop blocking
    Remove(Remove),
    /// List what is blocked, newest first
    List(List),
}

#[derive(Debug, Args)]
pub struct Add {
    #[command(flatten)]
    database: Database,
    /// What to block: card, bin, email or network
    kind: String,
    /// Of a card, a payment that was tried with it, pay_…; six or eight digits; an e-mail address; or a network
    /// such as 203.0.113.0/24
    value: String,
    /// Why, for other operators
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub struct Remove {
    #[command(flatten)]
    database: Database,
    /// Number of the entry, as shown by `sluice blocklist list`
    id: i64,
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    database: Database,
    /// Maximum number of entries
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=1_000))]
    limit: i64,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(add) => {
            let kind = Listed::parse(&add.kind);
            let kind = kind.context("what is blocked is card, bin, email or network")?;
            let reason = add.reason.as_deref().map(reason).transpose()?;
            let db = add.database.connect().await?;
            let value = value(&db, kind, &add.value).await?;
            let id = blocklist::add(&db, kind, &value, reason).await?;
            let id = id.context("it is blocked already, or the list is full")?;
            println!("blocked, entry {id}");
        }
        Command::Remove(remove) => {
            let db = remove.database.connect().await?;
            let id = remove.id;
            ensure!(blocklist::remove(&db, id).await?, "there is no entry {id}");
            println!("entry {id} removed");
        }
        Command::List(list) => show(&list).await?,
    }
    Ok(())
}

/// The value as it is compared. No error repeats the text: somebody may have typed a card number.
async fn value(db: &PgPool, kind: Listed, text: &str) -> anyhow::Result<String> {
    match kind {
        Listed::Card => {
            let payment = PaymentId::parse(text);
            let payment = payment.context("name a payment that was tried with the card, pay_…")?;
            let fingerprint = blocklist::fingerprint(db, payment).await?;
            fingerprint.with_context(|| format!("no card was tried for {payment}"))
        }
        Listed::Bin => {
            let is_bin = [6, 8].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            ensure!(
                is_bin,
                "name the first six or eight digits, and no more of a card number"
            );
            Ok(text.to_owned())
        }
        Listed::Email => {
            let is_address = text
                .split_once('@')
                .is_some_and(|(to, at)| !to.is_empty() && !at.is_empty());
            ensure!(
                is_address && text.len() <= 254,
                "that is not an e-mail address"
            );
            Ok(text.to_ascii_lowercase())
        }
        Listed::Network => match text.parse::<IpNet>() {
            Ok(network) => Ok(network.trunc().to_string()),
            Err(_) => bail!("that is not a network such as 203.0.113.0/24"),
        },
    }
}

async fn show(list: &List) -> anyhow::Result<()> {
    let entries = blocklist::list(&list.database.connect().await?, list.limit).await?;
    if list.json {
        let entries = entries.iter().map(|entry| {
            json!({
                "id": entry.id,
                "kind": entry.kind.name(),
                "value": entry.value,
                "reason": entry.reason,
                "created_at": output::timestamp(entry.created_at),
            })
        });
        println!("{}", Value::Array(entries.collect()));
        return Ok(());
    }
    let rows: Vec<_> = entries
        .into_iter()
        .map(|entry| {
            [
                entry.id.to_string(),
                entry.kind.name().to_owned(),
                entry.value,
                output::minute(entry.created_at),
                entry.reason.unwrap_or_else(|| "-".to_owned()),
            ]
        })
        .collect();
    output::table(["number", "kind", "value", "since", "reason"], &rows);
    Ok(())
}
