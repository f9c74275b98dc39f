//! `sluice verify`: checks that payments, ledger, jobs, events and the sandbox's log agree.

mod sandbox;

use std::process::ExitCode;

use clap::Args;
use store::{measures, reports};

use crate::config::Database;

#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    database: Database,
    /// URL of the sandbox; if set, its log is compared too
    #[arg(long, env = "SLUICE_SANDBOX_URL")]
    sandbox_url: Option<String>,
}

pub async fn run(verify: &Verify) -> anyhow::Result<ExitCode> {
    let db = verify.database.connect()?;
    let compared = reports::count(&db).await?;
    let mut differences = reports::payments(&db).await?;
    differences.extend(reports::ledger(&db).await?);
    differences.extend(reports::jobs(&db).await?);
    differences.extend(reports::events(&db).await?);
    if let Some(url) = &verify.sandbox_url {
        differences.extend(sandbox::compare(&db, url).await?);
    }
    println!(
        "compared {} payments, {} postings, {} events, {} deliveries, {} jobs{}",
        compared.payments,
        compared.postings,
        compared.events,
        compared.deliveries,
        compared.jobs,
        if verify.sandbox_url.is_some() {
            ", and the sandbox's log"
        } else {
            ""
        },
    );
    for difference in &differences {
        println!(
            "  {}: {} ({})",
            difference.rule, difference.subject, difference.detail
        );
    }
    println!("{} differences", differences.len());
    if let Err(error) = measures::store_verified(&db, differences.len()).await {
        eprintln!("sluice: the result is not stored for the metrics: {error}");
    }
    Ok(if differences.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
