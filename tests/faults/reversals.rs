//! Attempts that the acquirer captures although they are reversed or not needed: the payer is charged once,
//! and nothing stays in progress.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::id::AuthorizationId;
use serde_json::{Value, json};
use tests::{Options, Process, cards, payment_id, until};

use crate::proxy::Gate;
use crate::scene::{SOON, Scene};

/// The reference of a payment's first attempt.
async fn first_attempt(scene: &Scene, payment: &str) -> Result<AuthorizationId> {
    let query = "select id from authorizations where payment_id = $1 order by attempt limit 1";
    let id = sqlx::query_scalar(query).bind(payment_id(payment)?);
    Ok(AuthorizationId(
        id.fetch_one(scene.gateway.database()).await?,
    ))
}

/// Sends a request to the acquirer behind the gateway's back.
async fn send(scene: &Scene, path: &str, body: &Value) -> Result<()> {
    let url = format!("{}{path}", scene.gateway.url(Process::Sandbox));
    let response = reqwest::Client::new().post(url).json(body).send().await?;
    ensure!(response.status().is_success(), "{}", response.text().await?);
    Ok(())
}

async fn capture(scene: &Scene, attempt: AuthorizationId) -> Result<()> {
    let body = json!({"amount": "50.00", "currency": "USD"});
    send(scene, &format!("/authorizations/{attempt}/capture"), &body).await
}

/// While the reversal is repeated, the first request arrives after all and is captured.
#[tokio::test]
async fn a_capture_during_the_reversal_is_adopted() -> Result<()> {
    let scene = Scene::with(Options {
        wait_ms: 200,
        ..Options::default()
    })
    .await?;
    let acquirer = scene.before_acquirer().await?;
    acquirer.forth().set(Gate::Hold(&["POST /authorizations"]));
    let payment = scene.pay_pending(cards::APPROVED).await?;
    until("the reversal is held", SOON, async || {
        let attempts = scene.gateway.attempts(&payment).await?;
        Ok((attempts == ["reversing"]).then_some(()))
    })
    .await?;
    let attempt = first_attempt(&scene, &payment).await?;
    let authorization = json!({
        "reference": attempt.to_string(), "payment": payment, "amount": "50.00", "currency": "USD",
        "card": {"number": cards::APPROVED, "exp_month": 12, "exp_year": 2030, "cvc": "123"},
    });
    send(&scene, "/authorizations", &authorization).await?;
    capture(&scene, attempt).await?;
    acquirer.cut();
    scene.gateway.drain().await?;
    scene.was_charged_once(&payment).await?;
    scene.finish().await
}

/// The acquirer approves a reversed attempt all the same, and captures it.
#[tokio::test]
async fn a_capture_that_the_payment_does_not_need_is_refunded() -> Result<()> {
    let scene = Scene::with(Options {
        pace_percent: 35,
        ..Options::default()
    })
    .await?;
    let paid = scene.gateway.pay(cards::LATE_DESPITE_VOID).await?;
    let payment = paid.at("/id").to_owned();
    assert_eq!((paid.status, paid.at("/status")), (200, "succeeded"));
    until("the late approval is there", SOON, async || {
        let did = scene.gateway.acquirer_did(&payment)?;
        Ok((did.iter().filter(|did| *did == "approved").count() == 2).then_some(()))
    })
    .await?;
    let attempt = first_attempt(&scene, &payment).await?;
    capture(&scene, attempt).await?;
    scene.gateway.drain().await?;
    scene.gateway.advance(Duration::from_mins(2)).await?;
    scene.gateway.drain().await?;
    let (status, attempts, did) = scene.became(&payment).await?;
    assert_eq!(status, "succeeded");
    assert_eq!(attempts, ["refunded", "approved"]);
    assert_eq!(
        did,
        ["approved", "approved", "captured", "captured", "refunded"]
    );
    let refund = scene.gateway.sandbox_log()?.into_iter();
    let mut refund = refund.filter(|record| record.kind == "refunded");
    let amount = refund
        .next()
        .and_then(|record| record.amount)
        .context("an amount")?;
    assert_eq!(amount, "50.00");
    scene.finish().await
}
