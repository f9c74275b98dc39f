//! `sluice audit`: what operators did.

use clap::Args;
use domain::id::MerchantId;
use serde_json::{Value, json};
use store::approvals::{self, Action};

use crate::config::Database;
use crate::output;

#[derive(Debug, Args)]
pub struct Audit {
    #[command(flatten)]
    database: Database,
    /// Only what concerns this merchant, merchant_…
    #[arg(long, value_parser = crate::merchant::id)]
    merchant: Option<MerchantId>,
    /// Maximum number of entries
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1_000))]
    limit: i64,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

pub async fn run(audit: &Audit) -> anyhow::Result<()> {
    let db = audit.database.connect().await?;
    let actions = approvals::actions(&db, audit.merchant, audit.limit).await?;
    if audit.json {
        let entries: Vec<Value> = actions.iter().map(entry).collect();
        println!("{}", serde_json::to_string(&entries)?);
        return Ok(());
    }
    let rows: Vec<_> = actions
        .into_iter()
        .map(|action| {
            [
                output::minute(action.at),
                action.operator,
                action.action,
                action
                    .merchant_id
                    .map_or_else(|| action.subject.clone(), |id| id.to_string()),
                action.details.to_string(),
            ]
        })
        .collect();
    output::table(["at", "operator", "action", "about", "new values"], &rows);
    Ok(())
}

fn entry(action: &Action) -> Value {
    json!({
        "id": action.id,
        "at": output::timestamp(action.at),
        "operator": action.operator,
        "action": action.action,
        "subject": action.subject,
        "merchant_id": action.merchant_id.map(|id| id.to_string()),
        "details": action.details,
    })
}
