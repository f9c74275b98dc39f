//! `sluice verify`: everything that must agree, compared.

use std::collections::{BTreeMap, HashMap};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use domain::id::{AuthorizationId, PaymentId};
use domain::payment::State;
use serde::Deserialize;
use store::reports::{self, Charge, Difference};

use crate::config::Database;

#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    database: Database,
    /// The sandbox, whose log is compared too.
    #[arg(long, env = "SLUICE_SANDBOX_URL")]
    sandbox_url: Option<String>,
}

/// A line of the sandbox's log, as far as it is compared.
#[derive(Deserialize)]
struct Record {
    kind: String,
    reference: String,
    payment: Option<String>,
    amount: Option<String>,
    currency: Option<String>,
}

/// What the sandbox did with one reference.
#[derive(Default)]
struct Told {
    payment: Option<String>,
    money: Option<(String, String)>,
    is_approved: bool,
    is_captured: bool,
}

pub async fn run(verify: &Verify) -> anyhow::Result<ExitCode> {
    let db = verify.database.connect()?;
    let compared = reports::count(&db).await?;
    let mut differences = reports::payments(&db).await?;
    differences.extend(reports::ledger(&db).await?);
    differences.extend(reports::jobs(&db).await?);
    differences.extend(reports::events(&db).await?);
    if let Some(url) = &verify.sandbox_url {
        // The log is read before the payments are, or a payment made meanwhile would differ.
        let log = log_of(url).await?;
        differences.extend(compare(&log, &reports::charges(&db).await?));
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
    Ok(if differences.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn log_of(url: &str) -> anyhow::Result<BTreeMap<String, Told>> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_mins(1))
        .no_proxy()
        .build()?;
    let answer = client
        .get(format!("{url}/log"))
        .send()
        .await
        .context("reading the sandbox's log")?;
    let text = answer.error_for_status()?.text().await?;
    let mut references = BTreeMap::<String, Told>::new();
    for line in text.lines() {
        let record: Record = serde_json::from_str(line).context("a line of the sandbox's log")?;
        let told = references.entry(record.reference).or_default();
        match record.kind.as_str() {
            "approved" => told.is_approved = true,
            "voided" => told.is_approved = false,
            "captured" => told.is_captured = true,
            _ => {}
        }
        told.payment = told.payment.take().or(record.payment);
        told.money = told.money.take().or(record.amount.zip(record.currency));
    }
    Ok(references)
}

/// Approved minus voided authorizations of a payment are never more than one, and exactly one,
/// captured, where we say it is paid.
fn compare(log: &BTreeMap<String, Told>, charges: &HashMap<PaymentId, Charge>) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut differs = |rule: &str, subject: String, detail: String| {
        differences.push(Difference {
            rule: rule.to_owned(),
            subject,
            detail,
        });
    };
    let mut held = HashMap::<PaymentId, (u32, u32)>::new();
    for (reference, told) in log {
        let payment = told.payment.as_deref().and_then(PaymentId::parse);
        let Some((payment, charge)) = payment.and_then(|id| Some((id, charges.get(&id)?))) else {
            if told.is_approved {
                let detail = "approved, but no payment of ours".to_owned();
                differs(
                    "the sandbox approves only our payments",
                    reference.clone(),
                    detail,
                );
            }
            continue;
        };
        let attempt = AuthorizationId::parse(reference);
        if attempt.is_none_or(|attempt| !charge.attempts.contains(&attempt)) {
            let detail = format!("{payment} has no such attempt");
            differs(
                "every reference was stored before it was sent",
                reference.clone(),
                detail,
            );
        }
        if told.money.as_ref().is_some_and(|(amount, currency)| {
            *amount != charge.amount || *currency != charge.currency
        }) {
            let detail = format!(
                "{:?}, ours {} {}",
                told.money, charge.amount, charge.currency
            );
            differs("the sandbox knows our amount", reference.clone(), detail);
        }
        let (approved, captured) = held.entry(payment).or_default();
        *approved += u32::from(told.is_approved);
        *captured += u32::from(told.is_captured);
    }
    for (payment, charge) in charges {
        let (approved, captured) = held.get(payment).copied().unwrap_or_default();
        let fits = match charge.state {
            State::Captured => approved == 1 && captured == 1,
            State::Capturing => approved == 1 && captured <= 1,
            State::Authorizing => approved <= 1 && captured == 0,
            // The hold of a capture that was refused is let go a moment after the payment failed.
            State::Created | State::Failed | State::Expired => approved == 0 && captured == 0,
        };
        if !fits {
            let detail = format!(
                "{}, at the sandbox {approved} approved and not voided, {captured} captured",
                charge.state.name()
            );
            differs(
                "the sandbox charged what we say",
                payment.to_string(),
                detail,
            );
        }
    }
    differences
}
