//! `sluice verify`: checks that payments, ledger, jobs, events and the sandbox's log agree.

mod sandbox;

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use store::measures;
use store::reports::{self, Broken, Compared, Findings, Rule};

use crate::config::Database;
use crate::{failure, output};

/// The exit code if something differs.
const DIFFERENT: u8 = 1;
/// The exit code if not everything could be compared.
const INCOMPLETE: u8 = 2;

#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    database: Database,
    /// URL of the sandbox; if set, its log is compared too
    #[arg(long, env = "SLUICE_SANDBOX_URL")]
    sandbox_url: Option<String>,
    /// How many differences of each rule to print; all are counted
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(verify: &Verify) -> ExitCode {
    let mut found = Findings::new(verify.limit);
    let compared = match compare(verify, &mut found).await {
        Ok(compared) => compared,
        Err(error) => {
            let why = failure::text(&error);
            output::failure(&format!("not everything could be compared: {why}"));
            return ExitCode::from(INCOMPLETE);
        }
    };
    if let Err(error) = store_result(verify, found.count()).await {
        let why = failure::text(&error);
        output::failure(&format!("the result is not stored for the metrics: {why}"));
    }
    let has_log = verify.sandbox_url.is_some();
    if verify.json {
        println!("{}", as_json(&compared, has_log, &found));
    } else {
        print(&compared, has_log, &found);
    }
    if found.count() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(DIFFERENT)
    }
}

async fn compare(verify: &Verify, found: &mut Findings) -> anyhow::Result<Compared> {
    let db = verify.database.connect_reports().await?;
    let mut connection = db.acquire().await?;
    let compared = reports::compare(&mut connection, found).await?;
    drop(connection);
    if let Some(url) = &verify.sandbox_url {
        sandbox::compare(&db, url, found).await?;
    }
    Ok(compared)
}

/// As the operator: the role that compares writes nothing.
async fn store_result(verify: &Verify, differences: u64) -> anyhow::Result<()> {
    let db = verify.database.connect().await?;
    Ok(measures::store_verified(&db, differences).await?)
}

fn print(compared: &Compared, has_log: bool, found: &Findings) {
    println!(
        "compared {} payments, {} refunds, {} postings, {} events, {} deliveries, {} jobs{}",
        compared.payments,
        compared.refunds,
        compared.postings,
        compared.events,
        compared.deliveries,
        compared.jobs,
        if has_log {
            ", and the sandbox's log"
        } else {
            ""
        },
    );
    for (rule, broken) in found.iter() {
        println!("{} ({})", rule.sentence(), counted(broken));
        for difference in &broken.first {
            println!("  {difference}");
        }
    }
    let count = i64::try_from(found.count()).unwrap_or(i64::MAX);
    println!("{}", output::counted(count, "difference"));
}

/// How many differences a rule has, and how many of them are shown.
fn counted(broken: &Broken) -> String {
    let shown = broken.first.len();
    if u64::try_from(shown).is_ok_and(|shown| shown == broken.count) {
        broken.count.to_string()
    } else {
        format!("{}, the first {shown} of them", broken.count)
    }
}

fn as_json(compared: &Compared, has_log: bool, found: &Findings) -> Value {
    let rules: Vec<Value> = found.iter().map(rule_as_json).collect();
    json!({
        "compared": {
            "payments": compared.payments,
            "refunds": compared.refunds,
            "postings": compared.postings,
            "events": compared.events,
            "deliveries": compared.deliveries,
            "jobs": compared.jobs,
            "sandbox_log": has_log,
        },
        "differences": found.count(),
        "rules": rules,
    })
}

fn rule_as_json((rule, broken): (Rule, &Broken)) -> Value {
    let first = broken.first.iter().map(|difference| {
        json!({
            "subject": difference.subject,
            "expected": difference.expected,
            "found": difference.found,
        })
    });
    json!({
        "rule": rule.name(),
        "sentence": rule.sentence(),
        "count": broken.count,
        "first": first.collect::<Vec<_>>(),
    })
}
