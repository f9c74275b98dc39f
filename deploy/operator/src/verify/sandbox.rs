//! Compares our payments and refunds with the log of the sandbox acquirer.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::Context;
use domain::id::{AuthorizationId, PaymentId, RefundId};
use domain::payment::State;
use domain::refund;
use serde::Deserialize;
use store::PgPool;
use store::reports::{self, Charge, Difference, Refund};

/// The compared fields of one line of the sandbox's log.
#[derive(Deserialize)]
struct Record {
    kind: String,
    reference: String,
    authorization: Option<String>,
    payment: Option<String>,
    amount: Option<String>,
    currency: Option<String>,
}

/// The sandbox's record of one authorization.
#[derive(Default)]
struct Authorization {
    payment: Option<String>,
    money: Option<(String, String)>,
    is_approved: bool,
    captured: Option<String>,
}

/// The sandbox's log, by reference.
#[derive(Default)]
struct Log {
    authorizations: BTreeMap<String, Authorization>,
    /// Payment, amount and currency.
    refunds: BTreeMap<String, [Option<String>; 3]>,
}

/// Compares our payments and refunds with the log of the sandbox at `url`.
pub async fn compare(db: &PgPool, url: &str) -> anyhow::Result<Vec<Difference>> {
    // Read before and after the log, so that changes in between are not reported as differences.
    let before = reports::charges(db).await?;
    let refunds_before = reports::refunds(db).await?;
    let log = read_log(url).await?;
    let after = reports::charges(db).await?;
    let refunds_after = reports::refunds(db).await?;
    let mut differences = compare_charges(&log.authorizations, &before, &after);
    differences.extend(compare_refunds(
        &log.refunds,
        &refunds_before,
        &refunds_after,
    ));
    Ok(differences)
}

async fn read_log(url: &str) -> anyhow::Result<Log> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_mins(1))
        .no_proxy()
        .build()?;
    let response = client
        .get(format!("{url}/log"))
        .send()
        .await
        .context("cannot read the sandbox's log")?;
    let text = response.error_for_status()?.text().await?;
    let mut log = Log::default();
    for line in text.lines() {
        let record: Record =
            serde_json::from_str(line).context("invalid line in the sandbox's log")?;
        if record.kind == "refunded" {
            if let Some(attempt) = record
                .authorization
                .filter(|attempt| is_return(attempt, &record.reference))
            {
                log.authorizations.entry(attempt).or_default().is_approved = false;
                continue;
            }
            let facts = [record.payment, record.amount, record.currency];
            log.refunds.insert(record.reference, facts);
            continue;
        }
        let entry = log.authorizations.entry(record.reference).or_default();
        match record.kind.as_str() {
            "approved" => entry.is_approved = true,
            "voided" => entry.is_approved = false,
            "captured" => entry.captured.clone_from(&record.amount),
            _ => {}
        }
        entry.payment = entry.payment.take().or(record.payment);
        entry.money = entry.money.take().or(record.amount.zip(record.currency));
    }
    Ok(log)
}

/// Whether a refund returns a capture that its payment did not need: then it has the attempt's id.
fn is_return(attempt: &str, refund: &str) -> bool {
    let attempt = AuthorizationId::parse(attempt).map(|attempt| attempt.0);
    attempt.is_some() && attempt == RefundId::parse(refund).map(|refund| refund.0)
}

/// Checks that a payment never has more than one authorization that is approved and not voided: the
/// one in the database, which the sandbox also captured if the payment is captured. Payments that
/// changed while the log was read, or that are in progress, are skipped.
fn compare_charges(
    log: &BTreeMap<String, Authorization>,
    before: &HashMap<PaymentId, Charge>,
    after: &HashMap<PaymentId, Charge>,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut approved = HashMap::<PaymentId, Vec<&String>>::new();
    for (reference, authorization) in log {
        let payment = authorization.payment.as_deref().and_then(PaymentId::parse);
        let Some((payment, charge)) = payment.and_then(|id| Some((id, after.get(&id)?))) else {
            if authorization.is_approved {
                let detail = "approved, but the payment is unknown".to_owned();
                differences.push(difference(
                    "the sandbox approves only known payments",
                    reference,
                    detail,
                ));
            }
            continue;
        };
        differences.extend(compare_reference(reference, authorization, charge));
        if authorization.is_approved {
            approved.entry(payment).or_default().push(reference);
        }
    }
    for (payment, charge) in after {
        let is_unchanged = before
            .get(payment)
            .is_some_and(|earlier| earlier.version == charge.version);
        if !is_unchanged || charge.is_in_progress {
            continue;
        }
        let approved = approved.remove(payment).unwrap_or_default();
        let expected: Vec<String> = charge.approved.iter().map(ToString::to_string).collect();
        let is_captured = |reference: &&String| {
            log.get(*reference)
                .is_some_and(|one| one.captured.is_some())
        };
        let is_paid = charge.state == State::Captured;
        if !approved.iter().copied().eq(&expected) || (is_paid && !approved.iter().all(is_captured))
        {
            let detail = format!(
                "{}: approved in the database {expected:?}, at the sandbox {approved:?}",
                charge.state.name()
            );
            differences.push(difference(
                "database and sandbox agree on charges",
                &payment.to_string(),
                detail,
            ));
        }
    }
    differences
}

fn compare_reference(
    reference: &str,
    authorization: &Authorization,
    charge: &Charge,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    let attempt = AuthorizationId::parse(reference);
    if attempt.is_none_or(|attempt| !charge.attempts.contains(&attempt)) {
        let detail = "the payment has no such attempt".to_owned();
        differences.push(difference(
            "every reference was stored before it was sent",
            reference,
            detail,
        ));
    }
    let (money, captured) = (&authorization.money, &authorization.captured);
    let is_amount_same = money
        .as_ref()
        .is_none_or(|(amount, currency)| *amount == charge.amount && *currency == charge.currency);
    let is_capture_same = captured
        .as_ref()
        .is_none_or(|amount| *amount == charge.amount);
    if !is_amount_same || !is_capture_same {
        let detail = format!(
            "sandbox {money:?}, captured {captured:?}, database {} {}",
            charge.amount, charge.currency
        );
        differences.push(difference(
            "database and sandbox agree on amounts",
            reference,
            detail,
        ));
    }
    differences
}

/// Checks that the sandbox and the database have the same refunds with the same amounts. A refund
/// in progress may be missing in the log.
fn compare_refunds(
    log: &BTreeMap<String, [Option<String>; 3]>,
    before: &HashMap<RefundId, Refund>,
    after: &HashMap<RefundId, Refund>,
) -> Vec<Difference> {
    let rule = "database and sandbox agree on refunds";
    let mut differences = Vec::new();
    for (reference, facts) in log {
        let ours = RefundId::parse(reference).and_then(|id| after.get(&id));
        let is_same = ours.is_some_and(|ours| {
            let expected = [
                ours.payment_id.to_string(),
                ours.amount.clone(),
                ours.currency.clone(),
            ];
            ours.state != refund::State::Failed && *facts == expected.map(Some)
        });
        if !is_same {
            let detail = format!("sandbox {facts:?}, database {ours:?}");
            differences.push(difference(rule, reference, detail));
        }
    }
    for (id, refund) in before {
        let reference = id.to_string();
        if refund.state == refund::State::Refunded && !log.contains_key(&reference) {
            let detail = "refunded, but missing in the sandbox's log".to_owned();
            differences.push(difference(rule, &reference, detail));
        }
    }
    differences
}

fn difference(rule: &str, subject: &str, detail: String) -> Difference {
    Difference {
        rule: rule.to_owned(),
        subject: subject.to_owned(),
        detail,
    }
}
