//! Compares our payments and refunds with the log of the sandbox acquirer.

mod log;

use std::collections::HashMap;

use domain::id::{AuthorizationId, PaymentId, RefundId};
use domain::payment::State;
use domain::refund;
use store::PgPool;
use store::reports::{self, Charge, Difference, Findings, Range, Refund, Rule};

use self::log::{Authorization, Log};

/// How many payments are compared at a time. The log is read again for each such range, so that the memory
/// that the comparison takes does not grow with the log.
const PAYMENTS: i64 = 50_000;
/// How many references one statement looks up.
const REFERENCES: usize = 1_000;

/// Compares our payments and refunds with the log of the sandbox at `url`.
pub async fn compare(db: &PgPool, url: &str, found: &mut Findings) -> anyhow::Result<()> {
    let mut range = Some(Range::first(db, PAYMENTS).await?);
    let mut is_first = true;
    while let Some(payments) = range {
        // Read before and after the log, so that changes in between are not reported as differences.
        let before = reports::charges(db, payments).await?.into_iter();
        let before = before.map(|(id, charge)| (id, charge.version)).collect();
        let refunds_before = reports::refunds(db, payments).await?;
        let log = log::read(url, payments).await?;
        let after = reports::charges(db, payments).await?;
        let refunds_after = reports::refunds(db, payments).await?;
        if is_first {
            compare_strays(db, &log.strays, found).await?;
        }
        compare_references(&log, &after, found);
        compare_charges(&log, &before, &after, found);
        compare_refunds(&log, &refunds_before, &refunds_after, found);
        range = payments.next(db, PAYMENTS).await?;
        is_first = false;
    }
    Ok(())
}

/// Checks that we know the references that the sandbox's log has without a payment.
async fn compare_strays(
    db: &PgPool,
    strays: &[String],
    found: &mut Findings,
) -> anyhow::Result<()> {
    for references in strays.chunks(REFERENCES) {
        let attempts = references
            .iter()
            .filter_map(|one| AuthorizationId::parse(one));
        let known = reports::known_attempts(db, &attempts.collect::<Vec<_>>()).await?;
        for reference in references {
            let attempt = AuthorizationId::parse(reference);
            if attempt.is_none_or(|attempt| !known.contains(&attempt)) {
                let rule = Rule::AcquirerReference;
                let detail = "voided at the sandbox".to_owned();
                found.push(difference(rule, reference, "an attempt".to_owned(), detail));
            }
        }
    }
    Ok(())
}

/// Checks each authorization at the sandbox: we know it, with the same amount and card, and it was captured
/// once.
fn compare_references(log: &Log, after: &HashMap<PaymentId, Charge>, found: &mut Findings) {
    for (reference, one) in &log.authorizations {
        let expected = || format!("an attempt of {}", one.payment);
        let Some(charge) = after.get(&one.payment) else {
            let detail = "no such payment".to_owned();
            found.push(difference(
                Rule::AcquirerReference,
                reference,
                expected(),
                detail,
            ));
            continue;
        };
        let attempt = AuthorizationId::parse(reference);
        if attempt.is_none_or(|attempt| !charge.attempts.contains(&attempt)) {
            let detail = "no such attempt".to_owned();
            found.push(difference(
                Rule::AcquirerReference,
                reference,
                expected(),
                detail,
            ));
        }
        found.extend(compare_amount(reference, one, charge));
        if one.captures > 1 {
            let detail = format!("{} captures", one.captures);
            let expected = "1 capture".to_owned();
            found.push(difference(Rule::AcquirerOnce, reference, expected, detail));
        }
    }
}

fn compare_amount(reference: &str, one: &Authorization, charge: &Charge) -> Option<Difference> {
    let (amount, currency) = (&charge.amount, &charge.currency);
    let is_amount = |(a, c): &(String, String)| a == amount && c == currency;
    let is_same = one.money.as_ref().is_none_or(is_amount)
        && one
            .captured
            .as_ref()
            .is_none_or(|captured| captured == amount)
        && (one.card_last4.is_none() || one.card_last4 == charge.card_last4);
    let last4 = |last4: &Option<String>| last4.clone().unwrap_or_else(|| "none".to_owned());
    (!is_same).then(|| {
        let expected = format!("{amount} {currency}, card {}", last4(&charge.card_last4));
        let money = one.money.as_ref().map(|(a, c)| format!("{a} {c}"));
        let detail = format!(
            "{}, captured {}, card {}",
            money.unwrap_or_default(),
            one.captured.as_deref().unwrap_or("nothing"),
            last4(&one.card_last4)
        );
        difference(Rule::AcquirerAmount, reference, expected, detail)
    })
}

/// Checks that a payment never has more than one authorization that is approved and not voided: the
/// one in the database, which the sandbox also captured if the payment is captured. Payments that
/// changed while the log was read, or that are in progress, are skipped.
fn compare_charges(
    log: &Log,
    before: &HashMap<PaymentId, i32>,
    after: &HashMap<PaymentId, Charge>,
    found: &mut Findings,
) {
    let mut approved = HashMap::<PaymentId, Vec<(&str, bool)>>::new();
    for (reference, one) in &log.authorizations {
        if one.is_approved {
            let approved = approved.entry(one.payment).or_default();
            approved.push((reference, one.captured.is_some()));
        }
    }
    for (payment, charge) in after {
        let is_unchanged = before.get(payment) == Some(&charge.version);
        if !is_unchanged || charge.is_in_progress {
            continue;
        }
        let state = charge.state;
        let is_paid = state == State::Captured;
        let at_sandbox = approved.remove(payment).unwrap_or_default();
        let ours = charge.approved.map(|attempt| attempt.to_string());
        let references = at_sandbox.iter().map(|(reference, _)| *reference);
        let is_captured = at_sandbox.iter().all(|(_, is_captured)| *is_captured);
        if references.clone().eq(ours.as_deref()) && (is_captured || !is_paid) {
            continue;
        }
        let expected = match &ours {
            Some(ours) if is_paid => format!("{ours} captured"),
            Some(ours) => format!("{ours} approved"),
            None => format!("nothing held, as the payment is {}", state.name()),
        };
        let all: Vec<&str> = references.collect();
        let detail = match (all.is_empty(), is_captured) {
            (true, _) => "nothing".to_owned(),
            (false, true) => format!("{} captured", all.join(", ")),
            (false, false) => format!("{} approved", all.join(", ")),
        };
        let (rule, subject) = (Rule::AcquirerCharge, payment.to_string());
        found.push(difference(rule, &subject, expected, detail));
    }
}

/// Checks that the sandbox and the database have the same refunds with the same amounts. A refund
/// in progress may be missing in the log.
fn compare_refunds(
    log: &Log,
    before: &HashMap<RefundId, Refund>,
    after: &HashMap<RefundId, Refund>,
    found: &mut Findings,
) {
    let shown =
        |payment: &str, amount: &str, currency: &str| format!("{amount} {currency} of {payment}");
    for (reference, refunded) in &log.refunds {
        let facts = &refunded.facts;
        let detail = shown(&facts.payment.to_string(), &facts.amount, &facts.currency);
        let ours = RefundId::parse(reference).and_then(|id| after.get(&id));
        let ours = ours.filter(|ours| ours.state != refund::State::Failed);
        let expected = ours.map_or("no refund".to_owned(), |ours| {
            shown(&ours.payment_id.to_string(), &ours.amount, &ours.currency)
        });
        if expected != detail {
            found.push(difference(
                Rule::AcquirerRefund,
                reference,
                expected,
                detail,
            ));
        }
        if refunded.count > 1 {
            let detail = format!("{} refunds", refunded.count);
            let expected = "1 refund".to_owned();
            found.push(difference(Rule::AcquirerOnce, reference, expected, detail));
        }
    }
    for (id, refund) in before {
        let reference = id.to_string();
        if refund.state == refund::State::Refunded && !log.refunds.contains_key(&reference) {
            let payment = refund.payment_id.to_string();
            let expected = shown(&payment, &refund.amount, &refund.currency);
            let detail = "nothing".to_owned();
            found.push(difference(
                Rule::AcquirerRefund,
                &reference,
                expected,
                detail,
            ));
        }
    }
}

fn difference(rule: Rule, subject: &str, expected: String, found: String) -> Difference {
    Difference {
        rule,
        subject: subject.to_owned(),
        expected,
        found,
    }
}
