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
    captured: Option<String>,
}

pub async fn run(verify: &Verify) -> anyhow::Result<ExitCode> {
    let db = verify.database.connect()?;
    let compared = reports::count(&db).await?;
    let mut differences = reports::payments(&db).await?;
    differences.extend(reports::ledger(&db).await?);
    differences.extend(reports::jobs(&db).await?);
    differences.extend(reports::events(&db).await?);
    if let Some(url) = &verify.sandbox_url {
        let before = reports::charges(&db).await?;
        let log = log_of(url).await?;
        let after = reports::charges(&db).await?;
        differences.extend(compare(&log, &before, &after));
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
            "captured" => told.captured.clone_from(&record.amount),
            _ => {}
        }
        told.payment = told.payment.take().or(record.payment);
        told.money = told.money.take().or(record.amount.zip(record.currency));
    }
    Ok(references)
}

/// Approved minus voided authorizations of a payment are never more than one, and exactly one, the
/// one we know and captured, where we say it is paid. Payments that were worked on while the log was
/// read are left to the next time.
fn compare(
    log: &BTreeMap<String, Told>,
    before: &HashMap<PaymentId, Charge>,
    after: &HashMap<PaymentId, Charge>,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut held = HashMap::<PaymentId, Vec<&String>>::new();
    for (reference, told) in log {
        let payment = told.payment.as_deref().and_then(PaymentId::parse);
        let Some((payment, charge)) = payment.and_then(|id| Some((id, after.get(&id)?))) else {
            if told.is_approved {
                let detail = "approved, but no payment of ours".to_owned();
                differences.push(differs(
                    "the sandbox approves only our payments",
                    reference,
                    detail,
                ));
            }
            continue;
        };
        differences.extend(compare_reference(reference, told, charge));
        if told.is_approved {
            held.entry(payment).or_default().push(reference);
        }
    }
    for (payment, charge) in after {
        let is_settled = before
            .get(payment)
            .is_some_and(|earlier| earlier.version == charge.version);
        if !is_settled || charge.is_work {
            continue;
        }
        let held = held.remove(payment).unwrap_or_default();
        let expected: Vec<String> = charge.approved.iter().map(ToString::to_string).collect();
        let is_captured =
            |reference: &&String| log.get(*reference).is_some_and(|t| t.captured.is_some());
        let is_paid = charge.state == State::Captured;
        if !held.iter().copied().eq(&expected) || (is_paid && !held.iter().all(is_captured)) {
            let detail = format!(
                "{}, ours {expected:?}, held at the sandbox {held:?}",
                charge.state.name()
            );
            differences.push(differs(
                "the sandbox charged what we say",
                &payment.to_string(),
                detail,
            ));
        }
    }
    differences
}

fn compare_reference(reference: &str, told: &Told, charge: &Charge) -> Vec<Difference> {
    let mut differences = Vec::new();
    let attempt = AuthorizationId::parse(reference);
    if attempt.is_none_or(|attempt| !charge.attempts.contains(&attempt)) {
        let detail = "the payment has no such attempt".to_owned();
        differences.push(differs(
            "every reference was stored before it was sent",
            reference,
            detail,
        ));
    }
    let asked = told
        .money
        .as_ref()
        .is_none_or(|(amount, currency)| *amount == charge.amount && *currency == charge.currency);
    let taken = told
        .captured
        .as_ref()
        .is_none_or(|amount| *amount == charge.amount);
    if !asked || !taken {
        let (money, captured) = (&told.money, &told.captured);
        let detail = format!(
            "{money:?}, captured {captured:?}, ours {} {}",
            charge.amount, charge.currency
        );
        differences.push(differs("the sandbox knows our amount", reference, detail));
    }
    differences
}

fn differs(rule: &str, subject: &str, detail: String) -> Difference {
    Difference {
        rule: rule.to_owned(),
        subject: subject.to_owned(),
        detail,
    }
}
