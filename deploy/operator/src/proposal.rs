//! `sluice proposal`: actions that take two operators. The database compares their logins.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use store::approvals;

use crate::config::Database;
use crate::output;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the proposals that can be approved
    List(List),
    /// Approve a proposal of another operator, which carries it out
    Approve(Approve),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    database: Database,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Approve {
    #[command(flatten)]
    database: Database,
    /// Number of the proposal, as shown by `sluice proposal list`
    id: i64,
}

/// Proposals expire after a week, so there are few.
const LISTED_MAX: i64 = 1_000;

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(list) => show(&list).await,
        Command::Approve(approve) => {
            let db = approve.database.connect().await?;
            approvals::approve(&db, approve.id).await?;
            println!("proposal {} approved and carried out", approve.id);
            Ok(())
        }
    }
}

async fn show(list: &List) -> anyhow::Result<()> {
    let proposals = approvals::open(&list.database.connect().await?, LISTED_MAX).await?;
    if list.json {
        let proposals: Vec<Value> = proposals
            .iter()
            .map(|proposal| {
                json!({
                    "id": proposal.id,
                    "action": proposal.action,
                    "merchant_id": proposal.merchant_id.to_string(),
                    "merchant": proposal.merchant,
                    "reason": proposal.reason,
                    "proposed_by": proposal.proposed_by,
                    "proposed_at": output::timestamp(proposal.proposed_at),
                })
            })
            .collect();
        println!("{}", serde_json::to_string(&proposals)?);
        return Ok(());
    }
    if proposals.is_empty() {
        println!("no proposals");
        return Ok(());
    }
    let rows: Vec<_> = proposals
        .into_iter()
        .map(|proposal| {
            [
                proposal.id.to_string(),
                proposal.action,
                format!("{} ({})", proposal.merchant_id, proposal.merchant),
                format!(
                    "{}, {} ago",
                    proposal.proposed_by,
                    output::since(proposal.proposed_at)
                ),
                proposal.reason,
            ]
        })
        .collect();
    output::table(["id", "action", "about", "proposed by", "reason"], &rows);
    println!("\nAnother operator approves with: sluice proposal approve ID");
    Ok(())
}
