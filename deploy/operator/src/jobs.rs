//! `sluice jobs list` and `sluice jobs redrive`.

use anyhow::bail;
use clap::{Args, Subcommand};
use store::jobs;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::config::Database;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List jobs, parked ones first
    List(List),
    /// Run parked jobs again
    Redrive(Redrive),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    database: Database,
    /// Maximum number of jobs
    #[arg(long, default_value_t = 50)]
    limit: i64,
}

#[derive(Debug, Args)]
pub struct Redrive {
    #[command(flatten)]
    database: Database,
    /// Id of the job, as shown by `sluice jobs list`
    id: Option<Uuid>,
    /// All parked jobs
    #[arg(long, conflicts_with = "id")]
    all: bool,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(list) => show(&list).await,
        Command::Redrive(redrive) => redrive_parked(&redrive).await,
    }
}

async fn show(list: &List) -> anyhow::Result<()> {
    let jobs = jobs::list(&list.database.connect()?, list.limit).await?;
    if jobs.is_empty() {
        println!("no jobs");
        return Ok(());
    }
    println!(
        "{:<8} {:<36} {:>10} {:>8}  note",
        "worker", "job", "due", "claims"
    );
    for job in jobs {
        let due = match job.parked_at {
            Some(_) => "parked".to_owned(),
            None => until(job.due_at),
        };
        let note = job.error.unwrap_or_default();
        println!(
            "{:<8} {:<36} {due:>10} {:>8}  {note}",
            job.worker, job.id, job.claims
        );
    }
    Ok(())
}

fn until(due_at: OffsetDateTime) -> String {
    let left = (due_at - OffsetDateTime::now_utc()).whole_seconds();
    match left {
        ..=0 => "now".to_owned(),
        1..=119 => format!("in {left} s"),
        120..=7_199 => format!("in {} min", left / 60),
        _ => format!("in {} h", left / 3_600),
    }
}

async fn redrive_parked(redrive: &Redrive) -> anyhow::Result<()> {
    if redrive.id.is_none() && !redrive.all {
        bail!("expected a job id or --all");
    }
    let count = jobs::redrive(&redrive.database.connect()?, redrive.id).await?;
    println!("{count} redriven");
    Ok(())
}
