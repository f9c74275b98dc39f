//! Work that waits for workers: its messages do not multiply, and new work does not wait behind it.

use std::time::Duration;

use anyhow::Result;
use futures::StreamExt;
use futures::stream::iter;
use tests::{Options, Process, cards, until};

use crate::broker::Broker;
use crate::scene::{SOON, Scene};

/// The most messages of overdue jobs in a queue.
const QUEUED_MAX: u32 = 128;

async fn scene() -> Result<Scene> {
    Scene::with(Options {
        wait_ms: 50,
        ..Options::default()
    })
    .await
}

/// Makes payments; the responses are pending.
async fn pay(scene: &Scene, count: usize) -> Result<()> {
    let paying = iter(0..count).map(|_| scene.pay_pending(cards::APPROVED));
    let paid: Vec<Result<String>> = paying.buffer_unordered(16).collect().await;
    paid.into_iter().try_for_each(|paid| paid.map(drop))
}

/// A payment without a card expires: the scheduler has published due jobs meanwhile.
async fn a_day_passes(scene: &Scene) -> Result<()> {
    let mut unpaid = tests::example(cards::APPROVED);
    if let Some(fields) = unpaid.as_object_mut() {
        fields.remove("card");
    }
    let unpaid = scene.gateway.post("/v1/payments", &unpaid).await?;
    scene.gateway.advance(Duration::from_hours(25)).await?;
    until("an unpaid payment has expired", SOON, async || {
        let read = scene.read(unpaid.at("/id")).await?;
        Ok((read.at("/status") == "failed").then_some(()))
    })
    .await
}

#[tokio::test]
async fn messages_do_not_multiply_while_no_worker_runs() -> Result<()> {
    let scene = scene().await?;
    let broker = Broker::connect(&scene.gateway).await?;
    scene.gateway.terminate(Process::Webhook).await?;
    for _ in 0..200 {
        scene.gateway.pay(cards::APPROVED).await?;
    }
    a_day_passes(&scene).await?;
    let before = broker.waiting("sluice.jobs.webhook").await?;
    for _ in 0..3 {
        a_day_passes(&scene).await?;
    }
    let after = broker.waiting("sluice.jobs.webhook").await?;
    // Each day has one event more.
    assert!(
        after <= before.max(QUEUED_MAX) + 3,
        "{before}, then {after} messages"
    );
    scene.gateway.launch(&[Process::Webhook]).await?;
    scene.finish().await
}

#[tokio::test]
async fn a_new_payment_does_not_wait_behind_a_backlog() -> Result<()> {
    let scene = scene().await?;
    scene.gateway.terminate(Process::Scheduler).await?;
    scene.gateway.terminate(Process::Card).await?;
    pay(&scene, 400).await?;
    // Messages of new jobs expire.
    let broker = Broker::connect(&scene.gateway).await?;
    broker.wait_for("sluice.jobs.card", 0).await?;
    scene
        .gateway
        .launch(&[Process::Scheduler, Process::Card])
        .await?;
    let new = scene.gateway.pay(cards::APPROVED).await?;
    let backlog = until("the new payment has succeeded", SOON, async || {
        let read = scene.read(new.at("/id")).await?;
        let payments = scene.gateway.payments().await?.into_iter();
        let waiting = payments
            .filter(|payment| payment.state == "authorizing")
            .count();
        Ok((read.at("/status") == "succeeded").then_some(waiting))
    })
    .await?;
    assert!(
        backlog > 100,
        "the new payment waited for all but {backlog}"
    );
    scene.finish().await
}
