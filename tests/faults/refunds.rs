//! Refunds of a scene's payments, and their outcomes.

use std::slice::from_ref;

use anyhow::{Context, Result, ensure};
use domain::id::RefundId;
use serde_json::json;
use tests::{Process, RefundRow, Response, cards, example, until};
use uuid::Uuid;

use crate::proxy::Proxy;
use crate::scene::{SOON, Scene, sent_as_one};

/// The requests that ask the acquirer for a refund.
pub const REQUESTS: &[&str] = &["POST /refunds"];

/// The acquirer's responses.
pub const ANSWERS: &[&str] = &["\"refunded\"", "\"not_refundable\""];

/// An accepted refund.
#[derive(Debug, Clone)]
pub struct Refund {
    pub id: String,
    pub payment: String,
    pub minor: i64,
}

/// Subscribes the merchant's endpoint to refunds.
pub async fn register(scene: &Scene) -> Result<()> {
    let asked = json!({"url": scene.receiver.url("/"), "events": ["refund.created"]});
    scene.gateway.register_as("/v1/webhooks", &asked).await?;
    Ok(())
}

/// A captured payment of this amount.
pub async fn captured(scene: &Scene, card: &str, minor: i64) -> Result<String> {
    let mut body = example(card);
    body["amount"] = minor.into();
    let paid = scene.gateway.post("/v1/payments", &body).await?;
    let id = paid.at("/id").to_owned();
    until("a payment is captured", SOON, async || {
        Ok((scene.read(&id).await?.at("/status") == "succeeded").then_some(()))
    })
    .await?;
    Ok(id)
}

/// Refunds a part of a payment.
pub async fn request_refund(scene: &Scene, payment: &str, minor: i64) -> Result<Response> {
    let path = format!("/v1/payments/{payment}/refund");
    scene.gateway.post(&path, &json!({"amount": minor})).await
}

/// Refunds a part of a payment; the response must be pending.
pub async fn request_pending_refund(scene: &Scene, payment: &str, minor: i64) -> Result<Refund> {
    let answer = request_refund(scene, payment, minor).await?;
    ensure!(answer.at("/status") == "pending", "{}", answer.text);
    Refund::of(&answer)
}

impl Refund {
    /// The refund in a response.
    pub fn of(answer: &Response) -> Result<Self> {
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.text);
        Ok(Self {
            id: answer.at("/id").to_owned(),
            payment: answer.at("/payment_id").to_owned(),
            minor: answer.body["amount"].as_i64().context("no amount")?,
        })
    }

    /// Its id in the database.
    pub fn uuid(&self) -> Result<Uuid> {
        Ok(RefundId::parse(&self.id).context("no refund's id")?.0)
    }

    /// Why the acquirer's responses about it were no outcome, from the refund worker's log.
    pub fn unanswered(&self, scene: &Scene) -> Vec<String> {
        let log = scene.gateway.log(Process::Refund);
        let lines = log.lines().filter(|line| line.contains(&self.id));
        let reasons =
            lines.filter_map(|line| line.split_once("no clear response from the acquirer"));
        reasons.map(|(_, why)| why.to_owned()).collect()
    }
}

/// What the acquirer has refunded of a payment, by reference. It may have been asked more often.
pub fn refunded_by_acquirer(scene: &Scene, payment: &str) -> Result<Vec<(String, i64)>> {
    let log = scene.gateway.sandbox_log()?.into_iter();
    let of =
        |one: &tests::Record| one.kind == "refunded" && one.payment.as_deref() == Some(payment);
    let gave = log.filter(of).map(|one| {
        ensure!(one.currency.as_deref() == Some("USD"), "{one:?}");
        let amount = one.amount.context("no amount")?;
        Ok((one.reference, amount.replace('.', "").parse()?))
    });
    let mut gave: Vec<_> = gave.collect::<Result<_>>()?;
    gave.sort();
    Ok(gave)
}

/// Checks that exactly these refunds of a payment were paid, each once under our reference, with one
/// posting and one event that was delivered, and that all books agree on the sum.
pub async fn check_refunded(scene: &Scene, payment: &str, refunds: &[Refund]) -> Result<()> {
    let mut asked: Vec<_> = refunds
        .iter()
        .map(|one| (one.id.clone(), one.minor))
        .collect();
    asked.sort();
    assert_eq!(refunded_by_acquirer(scene, payment)?, asked);
    let received = scene.receiver.requests();
    for refund in refunds {
        assert_eq!(
            scene.gateway.refund(&refund.id).await?,
            row("refunded", 1, refund.minor)
        );
        sent_as_one(&received, &refund.id, "succeeded")?;
    }
    let sum: i64 = refunds.iter().map(|one| one.minor).sum();
    assert_eq!(sums(scene, payment).await?, (sum, sum));
    Ok(())
}

/// Checks that a payment's only refund was refused, with one event and no posting.
pub async fn refused_refund(scene: &Scene, refund: &Refund) -> Result<()> {
    assert_eq!(refunded_by_acquirer(scene, &refund.payment)?, []);
    assert_eq!(scene.gateway.refund(&refund.id).await?, row("failed", 0, 0));
    sent_as_one(&scene.receiver.requests(), &refund.id, "failed")?;
    assert_eq!(sums(scene, &refund.payment).await?, (0, 0));
    Ok(())
}

/// How much of a payment was refunded: as its merchant reads it, and in the ledger.
async fn sums(scene: &Scene, payment: &str) -> Result<(i64, i64)> {
    let read = scene.read(payment).await?;
    let refunded = read.body["amount_refunded"].as_i64().unwrap_or(0);
    Ok((refunded, scene.gateway.refunded_in_ledger(payment).await?))
}

/// What is written about a refund that has ended: one event, and no job.
fn row(state: &str, postings: i64, posted_minor: i64) -> RefundRow {
    RefundRow {
        state: state.to_owned(),
        postings,
        posted_minor,
        events: 1,
        jobs: 0,
    }
}

/// A patient gateway with an endpoint for refunds, and the proxy between refund worker and acquirer.
pub async fn patient() -> Result<(Scene, Proxy)> {
    let scene = Scene::patient().await?;
    register(&scene).await?;
    let acquirer = scene.before_acquirer_of(Process::Refund).await?;
    Ok((scene, acquirer))
}

/// Two refunds in progress.
pub struct InProgress {
    /// A refund that the acquirer pays.
    pub accepted: Refund,
    /// A refund of another payment, which the acquirer refuses.
    pub refused_refund: Refund,
}

impl InProgress {
    /// Requests both; the responses must be pending.
    pub async fn request_refund(scene: &Scene) -> Result<Self> {
        let refundable = captured(scene, cards::APPROVED, 5_000).await?;
        let unrefundable = captured(scene, cards::UNREFUNDABLE, 5_000).await?;
        Ok(Self {
            accepted: request_pending_refund(scene, &refundable, 1_500).await?,
            refused_refund: request_pending_refund(scene, &unrefundable, 1_500).await?,
        })
    }

    /// Both have the outcome that they have without faults.
    pub async fn ended(&self, scene: &Scene) -> Result<()> {
        check_refunded(scene, &self.accepted.payment, from_ref(&self.accepted)).await?;
        refused_refund(scene, &self.refused_refund).await
    }

    /// How many refunds the acquirer has paid by now.
    pub fn refunded(&self, scene: &Scene) -> Result<usize> {
        Ok(refunded_by_acquirer(scene, &self.accepted.payment)?.len())
    }
}
