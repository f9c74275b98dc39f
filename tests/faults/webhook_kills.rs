//! `kill -9` of the webhook worker after the endpoint received the webhook and before that is
//! recorded.

use std::time::Duration;

use anyhow::Result;
use tests::{Behaviour, Options, Process, cards};
use tokio::time::timeout;

use crate::scene::{LEASE, Scene};

/// How long work of a killed worker may wait for another one.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn after_sending_and_before_recording() -> Result<()> {
    let scene = Scene::with(Options::default()).await?;
    scene
        .receiver
        .behave(Behaviour::Slow(Duration::from_mins(1)));
    for card in [cards::APPROVED, cards::DECLINED] {
        assert_eq!(scene.gateway.pay(card).await?.status, 200);
    }
    let first = scene.receiver.wait_for(2).await?;
    scene.gateway.kill(Process::Webhook)?;
    scene.receiver.behave(Behaviour::Status(200));
    scene.gateway.advance(LEASE).await?;
    scene.gateway.launch(&[Process::Webhook]).await?;
    let all = scene.receiver.wait_for(4).await?;
    for before in &first {
        let id = before.header("webhook-id");
        let same: Vec<_> = all
            .iter()
            .filter(|one| one.header("webhook-id") == id)
            .collect();
        assert_eq!(same.len(), 2, "{id}");
        assert!(same.iter().all(|one| one.text == before.text));
    }
    scene.gateway.drain().await?;
    // The attempt that was never recorded is repeated.
    let deliveries = scene.gateway.deliveries().await?;
    let states: Vec<_> = deliveries.iter().map(|one| one.state.as_str()).collect();
    assert_eq!(states, ["delivered", "delivered"]);
    scene.finish().await
}

/// The claims of a killed worker end with its database session, not with their leases.
#[tokio::test]
async fn a_killed_workers_claims_are_free_at_once() -> Result<()> {
    let scene = Scene::with(Options::default()).await?;
    scene
        .receiver
        .behave(Behaviour::Slow(Duration::from_mins(1)));
    assert_eq!(scene.gateway.pay(cards::APPROVED).await?.status, 200);
    scene.receiver.wait_for_count(1).await?;
    scene.gateway.kill(Process::Webhook)?;
    scene.receiver.behave(Behaviour::Status(200));
    scene.gateway.launch(&[Process::Webhook]).await?;
    timeout(SOON, scene.receiver.wait_for_count(2)).await??;
    scene.finish().await
}
