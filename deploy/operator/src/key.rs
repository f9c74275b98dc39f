//! `sluice key`: API keys, and the secrets of clients and webhooks. A new secret is shown once and
//! written nowhere.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use domain::id::MerchantId;
use domain::merchant::Mode;
use serde_json::{Value, json};
use store::keys::{self, Credential, CredentialId, Rolled};
use time::OffsetDateTime;

use crate::config::{Database, WebhookKey};
use crate::output;

/// The longest time for which a rolled secret is accepted.
const OVERLAP_MAX: Duration = Duration::from_hours(30 * 24);

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List API keys and clients, without their secrets
    List(List),
    /// Make a new key or secret and show it once; the old one is valid a while longer
    Roll(Roll),
    /// End a key, or a client with its access tokens, within seconds
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    database: Database,
    /// Only those of this merchant, merchant_…
    #[arg(value_parser = crate::merchant::id)]
    merchant: Option<MerchantId>,
    /// Maximum number of keys and clients
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=1_000))]
    limit: i64,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Roll {
    #[command(flatten)]
    database: Database,
    /// Id of a key or client as shown by `sluice key list`, key_… or client_…; of a webhook endpoint, whk_…; or
    /// of a merchant, merchant_…, whose webhook secret signs the webhooks of all endpoints
    id: String,
    /// How long the old one is valid, such as 30m, 24h or 7d; 0 ends it at once
    #[arg(long, default_value = "24h", value_parser = overlap)]
    overlap: Duration,
    #[command(flatten)]
    webhook_key: WebhookKey,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Revoke {
    #[command(flatten)]
    database: Database,
    /// Id of the key or client, as shown by `sluice key list`: key_… or client_…
    id: String,
}

/// Not by clap, whose message would repeat the text: it may be the secret.
fn credential_id(text: &str) -> anyhow::Result<CredentialId> {
    CredentialId::parse(text).context(
        "expected the id of a key, a client, a webhook endpoint or a merchant: key_…, client_…, whk_… or merchant_…",
    )
}

fn overlap(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.strip_prefix(digits).unwrap_or_default() {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        "" if digits == "0" => Some(1),
        _ => None,
    };
    let count = digits.parse::<u64>().ok().zip(unit);
    let seconds = count.and_then(|(count, unit)| count.checked_mul(unit));
    let overlap = seconds.map(Duration::from_secs);
    let overlap = overlap.filter(|overlap| *overlap <= OVERLAP_MAX);
    overlap.ok_or_else(|| "expected 0, or a time such as 30m, 24h or 7d, at most 30d".to_owned())
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(list) => run_list(&list).await,
        Command::Roll(roll) => run_roll(&roll).await,
        Command::Revoke(revoke) => {
            let id = credential_id(&revoke.id)?;
            if let CredentialId::Endpoint(_) | CredentialId::Merchant(_) = id {
                bail!(
                    "a webhook secret cannot be revoked, because webhooks are always signed. \
                     Replace it with `sluice key roll {id} --overlap 0`."
                );
            }
            let db = revoke.database.connect().await?;
            ensure!(keys::revoke(&db, &id).await?, "there is no {id}");
            println!("{id} revoked; it is refused within 5 seconds");
            Ok(())
        }
    }
}

async fn run_list(list: &List) -> anyhow::Result<()> {
    let db = list.database.connect().await?;
    let credentials = keys::list(&db, list.merchant, list.limit).await?;
    if list.json {
        let credentials: Vec<Value> = credentials.iter().map(entry).collect();
        println!("{}", serde_json::to_string(&credentials)?);
        return Ok(());
    }
    print(credentials);
    Ok(())
}

/// Prints a table of credentials.
pub fn print(credentials: Vec<Credential>) {
    let rows: Vec<_> = credentials
        .into_iter()
        .map(|credential| {
            let state = state(&credential);
            [
                credential.id.to_string(),
                credential.mode.name().to_owned(),
                credential
                    .last4
                    .map_or("-".to_owned(), |last4| format!("…{last4}")),
                output::minute(credential.created_at),
                state,
                format!("{} ({})", credential.merchant_id, credential.merchant),
            ]
        })
        .collect();
    output::table(
        ["id", "mode", "ends with", "created", "state", "merchant"],
        &rows,
    );
}

fn state(credential: &Credential) -> String {
    let now = OffsetDateTime::now_utc();
    match (&credential.id, credential.revoked_at, credential.ends_at) {
        (_, Some(at), _) => format!("revoked {}", output::minute(at)),
        (CredentialId::Key(_), _, Some(at)) if at <= now => format!("ended {}", output::minute(at)),
        (CredentialId::Key(_), _, Some(at)) => format!("rolled, until {}", output::minute(at)),
        (CredentialId::Client(_), _, Some(at)) if at > now => {
            format!("active, old secret until {}", output::minute(at))
        }
        _ => "active".to_owned(),
    }
}

/// A credential as JSON.
pub fn entry(credential: &Credential) -> Value {
    json!({
        "id": credential.id.to_string(),
        "merchant_id": credential.merchant_id.to_string(),
        "merchant": credential.merchant,
        "mode": credential.mode.name(),
        "last4": credential.last4,
        "created_at": output::timestamp(credential.created_at),
        "revoked_at": credential.revoked_at.map(output::timestamp),
        "ends_at": credential.ends_at.map(output::timestamp),
    })
}

async fn run_roll(roll: &Roll) -> anyhow::Result<()> {
    let old = credential_id(&roll.id)?;
    // Read first: without it a new secret could not be shown.
    let webhook_key = match old {
        CredentialId::Endpoint(_) | CredentialId::Merchant(_) => Some(roll.webhook_key.read()?),
        CredentialId::Key(_) | CredentialId::Client(_) => None,
    };
    let db = roll.database.connect().await?;
    let (id, secret, old_until) = match keys::roll(&db, &old, roll.overlap).await? {
        Rolled::New {
            id,
            secret,
            old_until,
        } => (id, secret, old_until),
        Rolled::NewVersion { version, old_until } => {
            let key = webhook_key.context("not a webhook secret")?;
            let secret = match old {
                CredentialId::Merchant(id) => key.merchant(id, Mode::Test, version),
                CredentialId::Endpoint(id) => key.endpoint(id, version),
                CredentialId::Key(_) | CredentialId::Client(_) => bail!("{old} signs no webhooks"),
            };
            (old.clone(), secret.text(), old_until)
        }
        Rolled::Missing => bail!("there is no {old}"),
        Rolled::StillOverlapping(until) => bail!(
            "{old} was rolled before; the old secret is accepted until {}. Roll a key's successor \
             instead; for another secret wait, or use --overlap 0.",
            output::minute(until)
        ),
    };
    if roll.json {
        let output = json!({
            "id": id.to_string(),
            "secret": secret.as_str(),
            "old_until": old_until.map(output::timestamp),
        });
        println!("{output}");
        return Ok(());
    }
    println!("id      {id}");
    println!("secret  {}", secret.as_str());
    match old_until {
        Some(until) => println!("old     accepted until {}", output::minute(until)),
        None => println!("old     refused within 5 seconds"),
    }
    println!("\nStore the secret now; it cannot be shown again.");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_has_a_unit_and_an_end() {
        let seconds = |text| overlap(text).map(|overlap| overlap.as_secs());
        assert_eq!(seconds("0"), Ok(0));
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("24h"), Ok(86_400));
        assert_eq!(seconds("30d"), Ok(2_592_000));
        for wrong in [
            "",
            "24",
            "h",
            "-1h",
            "1.5h",
            "31d",
            "1y",
            "99999999999999999999d",
            "1hh",
        ] {
            assert!(overlap(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_not_repeated() {
        let secret = domain::merchant::key(domain::merchant::Mode::Test, &[7; 32]);
        let error = credential_id(&secret).map_err(|error| format!("{error:#}"));
        assert!(error.is_err_and(|error| !error.contains("sk_test_")));
    }
}
