//! The scheduler down, or killed before, while and after it publishes a job: the job is delayed, not
//! lost.

use std::time::Duration;

use anyhow::Result;
use tests::{Process, cards, until};

use crate::broker::Broker;
use crate::proxy::Gate;
use crate::scene::{SOON, Scene};

/// No job that the API publishes reaches the broker.
async fn mute_api(scene: &Scene) -> Result<()> {
    let url = scene.gateway.amqp_url();
    let wire = scene.detour(Process::Api, "AMQP_URL", &url).await?;
    wire.forth().set(Gate::Mute);
    Ok(())
}

/// Waits until the scheduler has taken the only job.
async fn taken(scene: &Scene) -> Result<()> {
    until("the scheduler has taken the job", SOON, async || {
        let jobs = scene.gateway.jobs().await?;
        Ok(jobs.iter().any(|row| row.publish_count > 0).then_some(()))
    })
    .await
}

async fn ended_well(scene: Scene, payment: &str) -> Result<()> {
    scene.gateway.drain().await?;
    scene.was_charged_once(payment).await?;
    scene.finish().await
}

#[tokio::test]
async fn stopped_while_published_jobs_are_lost() -> Result<()> {
    let scene = Scene::patient().await?;
    mute_api(&scene).await?;
    scene.gateway.kill(Process::Scheduler)?;
    let payment = scene.pay_pending(cards::APPROVED).await?;
    // Long overdue, and not published.
    scene.gateway.advance(Duration::from_mins(1)).await?;
    let broker = Broker::connect(&scene.gateway).await?;
    assert_eq!(broker.waiting("sluice.jobs.card").await?, 0);
    assert_eq!(scene.gateway.attempts(&payment).await?.len(), 0);
    scene.gateway.launch(&[Process::Scheduler]).await?;
    ended_well(scene, &payment).await
}

#[tokio::test]
async fn killed_between_taking_and_publishing() -> Result<()> {
    let scene = Scene::patient().await?;
    mute_api(&scene).await?;
    let url = scene.gateway.amqp_url();
    let wire = scene.detour(Process::Scheduler, "AMQP_URL", &url).await?;
    wire.forth().set(Gate::Hold(&["\"seq\""]));
    let payment = scene.pay_pending(cards::APPROVED).await?;
    taken(&scene).await?;
    wire.forth().holds(1).await?;
    scene.gateway.kill(Process::Scheduler)?;
    assert_eq!(scene.gateway.attempts(&payment).await?.len(), 0);
    wire.cut();
    scene.gateway.launch(&[Process::Scheduler]).await?;
    ended_well(scene, &payment).await
}

/// The broker has the message, but its confirmation is lost: the scheduler publishes again.
#[tokio::test]
async fn killed_between_publishing_and_the_confirmation() -> Result<()> {
    let scene = Scene::patient().await?;
    mute_api(&scene).await?;
    scene.gateway.kill(Process::Card)?;
    let url = scene.gateway.amqp_url();
    let wire = scene.detour(Process::Scheduler, "AMQP_URL", &url).await?;
    wire.forth().set(Gate::Hold(&["\"seq\""]));
    let payment = scene.pay_pending(cards::APPROVED).await?;
    wire.forth().holds(1).await?;
    wire.back().set(Gate::Mute);
    wire.forth().set(Gate::Pass);
    let broker = Broker::connect(&scene.gateway).await?;
    broker.wait_for("sluice.jobs.card", 1).await?;
    scene.gateway.kill(Process::Scheduler)?;
    wire.cut();
    scene.gateway.launch(&[Process::Scheduler]).await?;
    // The same job twice.
    broker.wait_for("sluice.jobs.card", 2).await?;
    scene.gateway.launch(&[Process::Card]).await?;
    ended_well(scene, &payment).await
}
