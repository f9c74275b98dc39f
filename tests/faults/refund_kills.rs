//! `kill -9` of the refund worker at each moment of a refund: it is paid once.

use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;
use store::Role;
use tests::{Interrupted, Lock, Process, Response, cards, until};

use crate::broker::Broker;
use crate::load;
use crate::proxy::{Gate, Proxy};
use crate::refunds::{
    ANSWERS, InProgress, REQUESTS, Refund, captured, check_refunded, patient, refused_refund,
    request_refund,
};
use crate::scene::{LEASE, SOON, Scene};

/// The dead worker's lease ends, and another one takes over.
async fn take_over(scene: &Scene) -> Result<()> {
    scene.gateway.advance(LEASE).await?;
    scene.gateway.launch(&[Process::Refund]).await?;
    scene.gateway.drain().await
}

/// The worker is killed before its requests reach the acquirer.
async fn killed_before_sending() -> Result<(Scene, InProgress)> {
    let (scene, acquirer) = patient().await?;
    acquirer.forth().set(Gate::Hold(REQUESTS));
    let in_progress = InProgress::request_refund(&scene).await?;
    acquirer.forth().holds(2).await?;
    scene.gateway.kill(Process::Refund)?;
    acquirer.cut();
    Ok((scene, in_progress))
}

/// The claims of a killed worker end with its database session, not with their leases.
#[tokio::test]
async fn a_killed_workers_claims_are_free_at_once() -> Result<()> {
    let (scene, in_progress) = killed_before_sending().await?;
    scene.gateway.launch(&[Process::Refund]).await?;
    scene.gateway.drain_within(Duration::from_secs(5)).await?;
    in_progress.ended(&scene).await?;
    scene.finish().await
}

#[tokio::test]
async fn before_sending() -> Result<()> {
    let (scene, in_progress) = killed_before_sending().await?;
    assert_eq!(in_progress.refunded(&scene)?, 0);
    take_over(&scene).await?;
    in_progress.ended(&scene).await?;
    scene.finish().await
}

#[tokio::test]
async fn after_sending_and_before_the_response() -> Result<()> {
    let (scene, acquirer) = patient().await?;
    acquirer.back().set(Gate::Hold(ANSWERS));
    let in_progress = InProgress::request_refund(&scene).await?;
    acquirer.back().holds(2).await?;
    scene.gateway.kill(Process::Refund)?;
    acquirer.cut();
    assert_eq!(in_progress.refunded(&scene)?, 1);
    assert_eq!(
        scene.gateway.refund_states().await?,
        ["refunding", "refunding"]
    );
    take_over(&scene).await?;
    in_progress.ended(&scene).await?;
    scene.finish().await
}

/// Two refunds that have their responses from the acquirer, and a lock that keeps the worker from writing
/// the outcomes.
async fn before_writing(scene: &Scene, acquirer: &Proxy) -> Result<InProgress> {
    acquirer.back().set(Gate::Hold(ANSWERS));
    let in_progress = InProgress::request_refund(scene).await?;
    acquirer.back().holds(2).await?;
    assert_eq!(in_progress.refunded(scene)?, 1);
    Ok(in_progress)
}

/// Lets the worker receive the responses, and waits until it is kept from writing the outcomes.
async fn blocked<'a>(scene: &'a Scene, acquirer: &Proxy) -> Result<Lock<'a>> {
    let lock = scene.gateway.lock_refunds().await?;
    acquirer.back().set(Gate::Pass);
    acquirer.back().holds(0).await?;
    scene.gateway.wait_blocked("sluice refund", 1).await?;
    Ok(lock)
}

/// The worker dies while its statement runs, which is rolled back or committed.
async fn die_while_writing(written: Interrupted) -> Result<()> {
    let (scene, acquirer) = patient().await?;
    let in_progress = before_writing(&scene, &acquirer).await?;
    let lock = blocked(&scene, &acquirer).await?;
    scene.gateway.kill(Process::Refund)?;
    scene
        .gateway
        .end_connections(lock, "sluice refund", written)
        .await?;
    take_over(&scene).await?;
    in_progress.ended(&scene).await?;
    scene.finish().await
}

#[tokio::test]
async fn after_the_response_and_before_the_commit() -> Result<()> {
    die_while_writing(Interrupted::RolledBack).await
}

#[tokio::test]
async fn during_the_commit() -> Result<()> {
    die_while_writing(Interrupted::Committed).await
}

/// The worker lives, but gets no response to its commit.
#[tokio::test]
async fn a_lost_commit_response() -> Result<()> {
    let (scene, acquirer) = patient().await?;
    let url = scene.gateway.role_url(Role::Refund)?;
    let database = scene.detour(Process::Refund, "DATABASE_URL", &url).await?;
    let in_progress = before_writing(&scene, &acquirer).await?;
    let lock = blocked(&scene, &acquirer).await?;
    database.back().set(Gate::Mute);
    lock.rollback().await?;
    // Both are written by one statement, or one after the other.
    until("an outcome is committed", SOON, async || {
        let states = scene.gateway.refund_states().await?;
        Ok(states
            .iter()
            .any(|state| state != "refunding")
            .then_some(()))
    })
    .await?;
    database.cut();
    scene.gateway.advance(LEASE).await?;
    scene.gateway.drain().await?;
    // It continues to work.
    let payment = &in_progress.accepted.payment;
    let rest = request_refund(&scene, payment, 3_500).await?;
    scene.gateway.drain().await?;
    let both = [in_progress.accepted.clone(), Refund::of(&rest)?];
    check_refunded(&scene, payment, &both).await?;
    refused_refund(&scene, &in_progress.refused_refund).await?;
    scene.finish().await
}

#[tokio::test]
async fn after_the_commit_and_before_the_ack() -> Result<()> {
    let (scene, acquirer) = patient().await?;
    let url = scene.gateway.amqp_url();
    let wire = scene.detour(Process::Refund, "AMQP_URL", &url).await?;
    acquirer.back().set(Gate::Hold(ANSWERS));
    let in_progress = InProgress::request_refund(&scene).await?;
    acquirer.back().holds(2).await?;
    let jobs = scene.gateway.jobs().await?;
    wire.forth().set(Gate::Mute);
    acquirer.back().set(Gate::Pass);
    scene.gateway.drain().await?;
    in_progress.ended(&scene).await?;
    let received = scene.receiver.requests().len();
    let broker = Broker::connect(&scene.gateway).await?;
    assert_eq!(broker.waiting("sluice.jobs.refund").await?, 0);
    scene.gateway.kill(Process::Refund)?;
    wire.cut();
    broker.redeliver(&jobs).await?;
    scene.gateway.launch(&[Process::Refund]).await?;
    broker.wait_for("sluice.jobs.refund", 0).await?;
    scene.gateway.drain().await?;
    in_progress.ended(&scene).await?;
    assert_eq!(scene.receiver.requests().len(), received);
    scene.finish().await
}

const KILLS: usize = 8;
const CAPTURED: i64 = 1_000_000;
const LARGE: i64 = 400_000;

/// Kills the worker with refunds in progress, in turn before and after the acquirer receives them.
async fn kill_in_hand(scene: &Scene, acquirer: &Proxy) -> Result<()> {
    for kill in 0..KILLS {
        let (direction, texts) = if kill.is_multiple_of(2) {
            (acquirer.forth(), REQUESTS)
        } else {
            (acquirer.back(), ANSWERS)
        };
        direction.set(Gate::Hold(texts));
        direction.holds_any().await?;
        scene.gateway.kill(Process::Refund)?;
        acquirer.cut();
        scene.gateway.advance(LEASE).await?;
        scene.gateway.launch(&[Process::Refund]).await?;
    }
    Ok(())
}

/// Refunds a part of each payment. Three of the large parts exceed the captured amount.
async fn ask_parts(scene: &Scene, payments: &[String], number: usize) -> Result<Vec<Response>> {
    let is_large = number.is_multiple_of(10);
    let minor = if is_large { LARGE } else { 1_000 };
    let asked = payments
        .iter()
        .map(|payment| request_refund(scene, payment, minor));
    try_join_all(asked).await
}

#[tokio::test]
async fn concurrent_partial_refunds_survive_kills() -> Result<()> {
    let (scene, acquirer) = patient().await?;
    let payments = [
        captured(&scene, cards::APPROVED, CAPTURED).await?,
        captured(&scene, cards::APPROVED, CAPTURED).await?,
    ];
    let client = |number| ask_parts(&scene, &payments, number);
    let pace = Duration::from_millis(60);
    let answers = load::clients(pace, 60, kill_in_hand(&scene, &acquirer), client).await?;
    scene.gateway.drain().await?;
    let (taken, too_large): (Vec<_>, Vec<_>) =
        answers.iter().flatten().partition(|one| one.status == 200);
    assert!(!too_large.is_empty());
    for refused in too_large {
        assert_eq!(
            refused.at("/error/code"),
            "amount_too_large",
            "{}",
            refused.text
        );
    }
    let taken: Vec<Refund> = taken.into_iter().map(Refund::of).collect::<Result<_>>()?;
    for payment in &payments {
        let of = taken.iter().filter(|refund| refund.payment == *payment);
        let of: Vec<Refund> = of.cloned().collect();
        check_refunded(&scene, payment, &of).await?;
        let sum: i64 = of.iter().map(|refund| refund.minor).sum();
        assert!((2 * LARGE..=CAPTURED).contains(&sum), "{sum}");
    }
    scene.finish().await
}
