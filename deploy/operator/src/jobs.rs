//! `sluice jobs list` and `sluice jobs redrive`.

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use domain::id::MerchantId;
use domain::job::Worker;
use serde_json::{Value, json};
use store::jobs::{self, Filter, Listed, Subject};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::config::Database;
use crate::output;

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
    /// Only jobs of this worker
    #[arg(long, value_parser = Worker::ALL.map(Worker::name))]
    worker: Option<String>,
    /// Only jobs of this merchant, merchant_…
    #[arg(long, value_parser = crate::merchant::id)]
    merchant: Option<MerchantId>,
    /// Only jobs about this payment, refund or delivery: pay_…, ref_… or dlv_…
    #[arg(long, value_parser = subject)]
    subject: Option<Subject>,
    /// Only parked jobs
    #[arg(long)]
    parked: bool,
    /// Only jobs whose last run failed
    #[arg(long)]
    failed: bool,
    /// Maximum number of jobs
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1_000))]
    limit: i64,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Redrive {
    #[command(flatten)]
    database: Database,
    /// What the job is about (pay_…, ref_… or dlv_…), as shown by `sluice jobs list`, or the job's id
    id: Option<String>,
    /// All parked jobs
    #[arg(long, conflicts_with = "id")]
    all: bool,
}

fn subject(text: &str) -> Result<Subject, &'static str> {
    Subject::parse(text).ok_or("expected pay_…, ref_… or dlv_…")
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(list) => show(&list).await,
        Command::Redrive(redrive) => redrive_parked(&redrive).await,
    }
}

/// The longest error in the table; `--json` shows all of it.
const ERROR_MAX: usize = 120;

async fn show(list: &List) -> anyhow::Result<()> {
    let filter = Filter {
        worker: list.worker.as_deref().and_then(Worker::parse),
        merchant: list.merchant,
        subject: list.subject,
        is_parked: list.parked,
        has_error: list.failed,
    };
    // One more, to know whether some are left out.
    let mut jobs = jobs::list(&list.database.connect().await?, filter, list.limit + 1).await?;
    let limit = usize::try_from(list.limit)?;
    let has_more = jobs.len() > limit;
    jobs.truncate(limit);
    if list.json {
        let jobs: Vec<Value> = jobs.iter().map(entry).collect();
        println!("{}", serde_json::to_string(&jobs)?);
        return Ok(());
    }
    if jobs.is_empty() {
        println!("no jobs");
        return Ok(());
    }
    let rows: Vec<_> = jobs
        .into_iter()
        .map(|job| {
            let due = match job.parked_at {
                Some(_) => "parked".to_owned(),
                None => until(job.due_at),
            };
            let error = job.error.unwrap_or_default();
            [
                job.worker.name().to_owned(),
                job.subject.to_string(),
                job.merchant_id.to_string(),
                job.mode.name().to_owned(),
                due,
                job.claims.to_string(),
                error.chars().take(ERROR_MAX).collect(),
            ]
        })
        .collect();
    output::table(
        [
            "worker",
            "subject",
            "merchant",
            "mode",
            "due",
            "claims",
            "last error",
        ],
        &rows,
    );
    if has_more {
        println!("\nThere are more: narrow them down, or raise --limit ({limit}).");
    }
    Ok(())
}

fn entry(job: &Listed) -> Value {
    json!({
        "worker": job.worker.name(),
        "id": job.id,
        "subject": job.subject.to_string(),
        "merchant_id": job.merchant_id.to_string(),
        "merchant": job.merchant,
        "mode": job.mode.name(),
        "due_at": output::timestamp(job.due_at),
        "parked_at": job.parked_at.map(output::timestamp),
        "claims": job.claims,
        "error": job.error,
    })
}

fn until(due_at: OffsetDateTime) -> String {
    let left = (due_at - OffsetDateTime::now_utc()).whole_seconds();
    match left {
        ..=0 => "now".to_owned(),
        _ => format!("in {}", output::seconds(left)),
    }
}

async fn redrive_parked(redrive: &Redrive) -> anyhow::Result<()> {
    let (id, subject) = match (&redrive.id, redrive.all) {
        (Some(text), _) => match Subject::parse(text) {
            Some(subject) => (None, Some(subject)),
            None => (Some(job_id(text)?), None),
        },
        (None, true) => (None, None),
        (None, false) => {
            bail!("expected what the job is about, as in `sluice jobs list`, or --all")
        }
    };
    let count = jobs::redrive(&redrive.database.connect().await?, id, subject).await?;
    ensure!(
        count > 0 || redrive.all,
        "no such job is parked; `sluice jobs list --parked` shows those that are"
    );
    println!("{count} redriven");
    Ok(())
}

fn job_id(text: &str) -> anyhow::Result<Uuid> {
    let id = text.parse();
    id.ok()
        .context("expected pay_…, ref_… or dlv_…, or the id of a job")
}
