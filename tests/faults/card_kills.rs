//! `kill -9` of the card worker at each moment of an authorization and of a capture.

use anyhow::Result;
use store::Role;
use tests::{Interrupted, Process, cards, until};

use crate::broker::Broker;
use crate::proxy::{Gate, Proxy};
use crate::scene::{LEASE, SOON, Scene};

/// The acquirer's responses.
const ANSWERS: &[&str] = &["\"approved\"", "\"declined\"", "\"captured\""];

/// Three payments in progress.
struct InProgress {
    /// Being captured.
    capturing: String,
    /// Being authorized; will be approved.
    authorizing: String,
    /// Being authorized; will be declined.
    declining: String,
}

impl InProgress {
    /// Holds the requests of three payments before the acquirer receives them.
    async fn before_sending(scene: &Scene, acquirer: &Proxy) -> Result<Self> {
        acquirer.forth().set(Gate::Hold(&["/capture"]));
        let capturing = scene.pay_pending(cards::APPROVED).await?;
        acquirer.forth().holds(1).await?;
        acquirer.forth().set(Gate::Hold(&["POST /"]));
        let authorizing = scene.pay_pending(cards::APPROVED).await?;
        let declining = scene.pay_pending(cards::DECLINED).await?;
        acquirer.forth().holds(3).await?;
        Ok(Self {
            capturing,
            authorizing,
            declining,
        })
    }

    /// Holds the responses for three payments before the worker receives them.
    async fn before_the_answer(scene: &Scene, acquirer: &Proxy) -> Result<Self> {
        acquirer.back().set(Gate::Hold(&["\"captured\""]));
        let capturing = scene.pay_pending(cards::APPROVED).await?;
        acquirer.back().holds(1).await?;
        acquirer.back().set(Gate::Hold(ANSWERS));
        let authorizing = scene.pay_pending(cards::APPROVED).await?;
        let declining = scene.pay_pending(cards::DECLINED).await?;
        acquirer.back().holds(3).await?;
        Ok(Self {
            capturing,
            authorizing,
            declining,
        })
    }

    /// Each was charged once or not at all, after this first attempt if any.
    async fn became(&self, scene: &Scene, first_attempt: &[&str]) -> Result<()> {
        let (status, attempts, did) = scene.became(&self.capturing).await?;
        assert_eq!(status, "succeeded");
        assert_eq!(attempts, ["approved"]);
        assert_eq!(did, ["approved", "captured"]);
        let (status, attempts, did) = scene.became(&self.authorizing).await?;
        assert_eq!(status, "succeeded");
        assert_eq!(attempts, [first_attempt, &["approved"]].concat());
        assert_eq!(did, ["approved", "captured"]);
        let (status, attempts, did) = scene.became(&self.declining).await?;
        assert_eq!(status, "failed");
        assert_eq!(attempts, [first_attempt, &["declined"]].concat());
        assert_eq!(did, ["declined"]);
        Ok(())
    }
}

/// The dead worker's lease ends, and another one takes over.
async fn take_over(scene: &Scene) -> Result<()> {
    scene.gateway.advance(LEASE).await?;
    scene.gateway.launch(&[Process::Card]).await?;
    scene.gateway.drain().await
}

/// The claims of a killed worker end with its database session, not with their leases.
#[tokio::test]
async fn a_killed_workers_claims_are_free_at_once() -> Result<()> {
    let scene = Scene::patient().await?;
    let acquirer = scene.before_acquirer().await?;
    let in_progress = InProgress::before_sending(&scene, &acquirer).await?;
    scene.gateway.launch(&[Process::SecondCard]).await?;
    scene.gateway.kill(Process::Card)?;
    acquirer.cut();
    let limit = std::time::Duration::from_secs(5);
    scene.gateway.drain_within(limit).await?;
    in_progress.became(&scene, &["watching"]).await?;
    scene.gateway.terminate(Process::SecondCard).await?;
    scene.gateway.launch(&[Process::Card]).await?;
    scene.finish().await
}

#[tokio::test]
async fn before_sending() -> Result<()> {
    let scene = Scene::patient().await?;
    let acquirer = scene.before_acquirer().await?;
    let in_progress = InProgress::before_sending(&scene, &acquirer).await?;
    // An approval is captured before it is written.
    assert_eq!(
        scene.gateway.attempts(&in_progress.capturing).await?,
        ["sending"]
    );
    assert_eq!(
        scene.gateway.attempts(&in_progress.authorizing).await?,
        ["sending"]
    );
    assert_eq!(scene.gateway.sandbox_log()?.len(), 1);
    scene.gateway.kill(Process::Card)?;
    acquirer.cut();
    take_over(&scene).await?;
    in_progress.became(&scene, &["watching"]).await?;
    scene.finish().await
}

#[tokio::test]
async fn after_sending_and_before_the_response() -> Result<()> {
    let scene = Scene::patient().await?;
    let acquirer = scene.before_acquirer().await?;
    let in_progress = InProgress::before_the_answer(&scene, &acquirer).await?;
    assert_eq!(
        scene.gateway.attempts(&in_progress.authorizing).await?,
        ["sending"]
    );
    assert_eq!(scene.gateway.sandbox_log()?.len(), 4);
    scene.gateway.kill(Process::Card)?;
    acquirer.cut();
    take_over(&scene).await?;
    in_progress.became(&scene, &[]).await?;
    for payment in [&in_progress.authorizing, &in_progress.declining] {
        assert!(
            scene
                .gateway
                .history(payment)
                .await?
                .contains(&"response_lost".to_owned())
        );
    }
    scene.finish().await
}

#[tokio::test]
async fn after_the_response_and_before_the_commit() -> Result<()> {
    let scene = Scene::patient().await?;
    let acquirer = scene.before_acquirer().await?;
    let in_progress = InProgress::before_the_answer(&scene, &acquirer).await?;
    let InProgress {
        capturing,
        authorizing,
        declining,
    } = &in_progress;
    let lock = scene
        .gateway
        .lock_payments(&[capturing, authorizing, declining])
        .await?;
    acquirer.back().set(Gate::Pass);
    acquirer.back().holds(0).await?;
    scene.gateway.wait_blocked("sluice card", 1).await?;
    scene.gateway.kill(Process::Card)?;
    scene
        .gateway
        .end_connections(lock, "sluice card", Interrupted::RolledBack)
        .await?;
    assert_eq!(scene.gateway.attempts(authorizing).await?, ["sending"]);
    take_over(&scene).await?;
    in_progress.became(&scene, &[]).await?;
    for payment in [authorizing, declining] {
        assert!(
            scene
                .gateway
                .history(payment)
                .await?
                .contains(&"response_lost".to_owned())
        );
    }
    scene.finish().await
}

/// The worker dies, but its statement is committed.
#[tokio::test]
async fn during_the_commit() -> Result<()> {
    let scene = Scene::patient().await?;
    let acquirer = scene.before_acquirer().await?;
    acquirer.back().set(Gate::Hold(ANSWERS));
    let payment = scene.pay_pending(cards::APPROVED).await?;
    acquirer.back().holds(1).await?;
    let lock = scene.gateway.lock_payments(&[&payment]).await?;
    acquirer.back().set(Gate::Pass);
    scene.gateway.wait_blocked("sluice card", 1).await?;
    scene.gateway.kill(Process::Card)?;
    scene
        .gateway
        .end_connections(lock, "sluice card", Interrupted::Committed)
        .await?;
    assert_eq!(scene.gateway.attempts(&payment).await?, ["approved"]);
    take_over(&scene).await?;
    let (status, _, did) = scene.became(&payment).await?;
    assert_eq!(status, "succeeded");
    assert_eq!(did, ["approved", "captured"]);
    assert!(
        !scene
            .gateway
            .history(&payment)
            .await?
            .contains(&"response_lost".to_owned())
    );
    scene.finish().await
}

/// The worker lives, but gets no response to its commit.
#[tokio::test]
async fn a_lost_commit_response() -> Result<()> {
    let scene = Scene::patient().await?;
    let acquirer = scene.before_acquirer().await?;
    let url = scene.gateway.role_url(Role::Card)?;
    let database = scene.detour(Process::Card, "DATABASE_URL", &url).await?;
    acquirer.back().set(Gate::Hold(ANSWERS));
    let payments = [
        scene.pay_pending(cards::APPROVED).await?,
        scene.pay_pending(cards::DECLINED).await?,
    ];
    acquirer.back().holds(2).await?;
    let lock = scene
        .gateway
        .lock_payments(&[&payments[0], &payments[1]])
        .await?;
    acquirer.back().set(Gate::Pass);
    scene.gateway.wait_blocked("sluice card", 1).await?;
    database.back().set(Gate::Mute);
    lock.rollback().await?;
    until("the outcome is written", SOON, async || {
        let attempts = scene.gateway.attempts(&payments[0]).await?;
        let declined = scene.gateway.attempts(&payments[1]).await?;
        Ok((attempts == ["approved"] || declined == ["declined"]).then_some(()))
    })
    .await?;
    database.cut();
    scene.gateway.advance(LEASE).await?;
    scene.gateway.drain().await?;
    let (status, attempts, did) = scene.became(&payments[0]).await?;
    assert_eq!((status.as_str(), attempts.len()), ("succeeded", 1));
    assert_eq!(did, ["approved", "captured"]);
    let (status, attempts, did) = scene.became(&payments[1]).await?;
    assert_eq!((status.as_str(), attempts.len()), ("failed", 1));
    assert_eq!(did, ["declined"]);
    scene.finish().await
}

#[tokio::test]
async fn after_the_commit_and_before_the_ack() -> Result<()> {
    let scene = Scene::patient().await?;
    let acquirer = scene.before_acquirer().await?;
    let url = scene.gateway.amqp_url();
    let wire = scene.detour(Process::Card, "AMQP_URL", &url).await?;
    acquirer.back().set(Gate::Hold(ANSWERS));
    let payments = [
        scene.pay_pending(cards::APPROVED).await?,
        scene.pay_pending(cards::DECLINED).await?,
    ];
    acquirer.back().holds(2).await?;
    let jobs = scene.gateway.jobs().await?;
    wire.forth().set(Gate::Mute);
    acquirer.back().set(Gate::Pass);
    scene.gateway.drain().await?;
    let before = (
        scene.gateway.history(&payments[0]).await?,
        scene.gateway.history(&payments[1]).await?,
    );
    let broker = Broker::connect(&scene.gateway).await?;
    assert_eq!(broker.waiting("sluice.jobs.card").await?, 0);
    scene.gateway.kill(Process::Card)?;
    wire.cut();
    broker.redeliver(&jobs).await?;
    scene.gateway.launch(&[Process::Card]).await?;
    broker.wait_for("sluice.jobs.card", 0).await?;
    scene.gateway.drain().await?;
    let after = (
        scene.gateway.history(&payments[0]).await?,
        scene.gateway.history(&payments[1]).await?,
    );
    assert_eq!(before, after);
    assert_eq!(scene.gateway.sandbox_log()?.len(), 3);
    assert_eq!(scene.receiver.requests().len(), 2);
    scene.finish().await
}
