//! What the sandbox acquirer did, compared with what we say it did.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::Context;
use domain::id::{AuthorizationId, PaymentId, RefundId};
use domain::payment::State;
use domain::refund;
use serde::Deserialize;
use store::PgPool;
use store::reports::{self, Charge, Difference, Refund};

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

/// What the sandbox's log says.
#[derive(Default)]
struct Log {
    authorizations: BTreeMap<String, Told>,
    /// By reference: of which payment, how much, in which currency.
    refunds: BTreeMap<String, [Option<String>; 3]>,
}

/// Compares our payments and refunds with the log of the sandbox at `url`.
pub async fn compare(db: &PgPool, url: &str) -> anyhow::Result<Vec<Difference>> {
    let before = reports::charges(db).await?;
    let refunds_before = reports::refunds(db).await?;
    let log = log_of(url).await?;
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

async fn log_of(url: &str) -> anyhow::Result<Log> {
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
    let mut log = Log::default();
    for line in text.lines() {
        let record: Record = serde_json::from_str(line).context("a line of the sandbox's log")?;
        if record.kind == "refunded" {
            let said = [record.payment, record.amount, record.currency];
            log.refunds.insert(record.reference, said);
            continue;
        }
        let told = log.authorizations.entry(record.reference).or_default();
        match record.kind.as_str() {
            "approved" => told.is_approved = true,
            "voided" => told.is_approved = false,
            "captured" => told.captured.clone_from(&record.amount),
            _ => {}
        }
        told.payment = told.payment.take().or(record.payment);
        told.money = told.money.take().or(record.amount.zip(record.currency));
    }
    Ok(log)
}

/// Approved minus voided authorizations of a payment are never more than one, and exactly one, the
/// one we know and captured, where we say it is paid. Payments that were worked on while the log was
/// read are left to the next time.
fn compare_charges(
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
        if !is_settled || charge.is_in_progress {
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

/// The sandbox gave back what we asked it to, each refund once and with its amount, and we say of no
/// other that it is done. A refund in work may be there or not.
fn compare_refunds(
    log: &BTreeMap<String, [Option<String>; 3]>,
    before: &HashMap<RefundId, Refund>,
    after: &HashMap<RefundId, Refund>,
) -> Vec<Difference> {
    let rule = "the sandbox gave back what we say";
    let mut differences = Vec::new();
    for (reference, said) in log {
        let ours = RefundId::parse(reference).and_then(|id| after.get(&id));
        let is_same = ours.is_some_and(|ours| {
            let facts = [
                ours.payment_id.to_string(),
                ours.amount.clone(),
                ours.currency.clone(),
            ];
            ours.state != refund::State::Failed && *said == facts.map(Some)
        });
        if !is_same {
            let detail = format!("{said:?}, ours {ours:?}");
            differences.push(differs(rule, reference, detail));
        }
    }
    for (id, refund) in before {
        let reference = id.to_string();
        if refund.state == refund::State::Refunded && !log.contains_key(&reference) {
            differences.push(differs(
                rule,
                &reference,
                "nothing was given back".to_owned(),
            ));
        }
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
