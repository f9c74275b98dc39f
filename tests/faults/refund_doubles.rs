//! Two workers for the same refund, and duplicate messages: it is paid once.

use std::slice::from_ref;

use anyhow::Result;
use domain::job::{Job, Worker};
use lapin::BasicProperties;
use tests::{Process, cards};

use crate::broker::Broker;
use crate::doubles::publish_repeatedly;
use crate::proxy::{Gate, Proxy};
use crate::refunds::{
    ANSWERS, InProgress, REQUESTS, captured, check_refunded, patient, request_pending_refund,
};
use crate::scene::{LEASE, Scene};

/// The paused worker has no response to two refunds. Its request for a third arrives at the acquirer
/// long after that was paid.
#[tokio::test]
async fn a_late_response_changes_nothing() -> Result<()> {
    let (scene, acquirer) = patient().await?;
    let payment = captured(&scene, cards::APPROVED, 5_000).await?;
    acquirer.back().set(Gate::Hold(ANSWERS));
    let in_progress = InProgress::request_refund(&scene).await?;
    acquirer.back().holds(2).await?;
    acquirer.forth().set(Gate::Hold(REQUESTS));
    let unsent = request_pending_refund(&scene, &payment, 1_500).await?;
    acquirer.forth().holds(1).await?;
    scene.gateway.stop(Process::Refund).await?;
    scene.gateway.launch(&[Process::SecondRefund]).await?;
    scene.gateway.advance(LEASE).await?;
    scene.gateway.drain().await?;
    in_progress.ended(&scene).await?;
    check_refunded(&scene, &payment, from_ref(&unsent)).await?;
    acquirer.forth().set(Gate::Pass);
    acquirer.back().set(Gate::Pass);
    scene.gateway.cont(Process::Refund).await?;
    // It ends once all its work is done.
    scene.gateway.terminate(Process::Refund).await?;
    scene.gateway.drain().await?;
    in_progress.ended(&scene).await?;
    check_refunded(&scene, &payment, from_ref(&unsent)).await?;
    scene.finish().await
}

/// A worker behind the same proxy as the first.
async fn launch_second(scene: &Scene, acquirer: &Proxy) -> Result<()> {
    let second = Process::SecondRefund;
    scene
        .gateway
        .set(second, "SLUICE_SANDBOX_URL", acquirer.url());
    scene.gateway.launch(&[second]).await
}

#[tokio::test]
async fn two_workers_write_one_outcome_at_once() -> Result<()> {
    let (scene, acquirer) = patient().await?;
    acquirer.back().set(Gate::Hold(ANSWERS));
    let in_progress = InProgress::request_refund(&scene).await?;
    acquirer.back().holds(2).await?;
    scene.gateway.stop(Process::Refund).await?;
    launch_second(&scene, &acquirer).await?;
    scene.gateway.advance(LEASE).await?;
    acquirer.back().holds(4).await?;
    let lock = scene.gateway.lock_refunds().await?;
    acquirer.back().set(Gate::Pass);
    scene.gateway.cont(Process::Refund).await?;
    // Each worker writes both outcomes in one statement, or the second one after the first.
    scene.gateway.wait_blocked("sluice refund", 2).await?;
    lock.rollback().await?;
    scene.gateway.drain().await?;
    in_progress.ended(&scene).await?;
    scene.finish().await
}

#[tokio::test]
async fn duplicate_messages_refund_once() -> Result<()> {
    const REFUNDS: usize = 10;
    let (scene, acquirer) = patient().await?;
    let payment = captured(&scene, cards::APPROVED, 5_000).await?;
    scene.gateway.kill(Process::Refund)?;
    let broker = Broker::connect(&scene.gateway).await?;
    let mut all = Vec::new();
    for _ in 0..REFUNDS {
        let refund = request_pending_refund(&scene, &payment, 300).await?;
        let (worker, id) = (Worker::Refund, refund.uuid()?);
        let job = Job { worker, id, seq: 1 };
        let body = queue::encode(&job);
        for _ in 0..3 {
            broker
                .publish(
                    "sluice.jobs.refund",
                    body.as_bytes(),
                    BasicProperties::default(),
                )
                .await?;
        }
        all.push(refund);
    }
    acquirer.forth().set(Gate::Hold(REQUESTS));
    scene.gateway.spawn(Process::Refund)?;
    launch_second(&scene, &acquirer).await?;
    acquirer.forth().holds(REFUNDS).await?;
    publish_repeatedly(&scene).await?;
    // However often they are published, each is requested once.
    acquirer.forth().holds(REFUNDS).await?;
    acquirer.forth().set(Gate::Pass);
    scene.gateway.drain().await?;
    broker.wait_for("sluice.jobs.refund", 0).await?;
    check_refunded(&scene, &payment, &all).await?;
    // One webhook for the payment and one for each refund.
    assert_eq!(scene.receiver.requests().len(), 1 + REFUNDS);
    scene.finish().await
}
