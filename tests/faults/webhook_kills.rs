//! `kill -9` of the webhook worker when the endpoint has the webhook and the gateway does not know.

use std::time::Duration;

use anyhow::Result;
use sqlx::Row;
use tests::{Behaviour, Options, Process};

use crate::scene::{APPROVED, DECLINED, LEASE, Scene};

#[tokio::test]
async fn after_the_post_and_before_the_record() -> Result<()> {
    let scene = Scene::with(Options::default()).await?;
    scene
        .receiver
        .behave(Behaviour::Slow(Duration::from_mins(1)));
    for card in [APPROVED, DECLINED] {
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
    // The try that was never recorded counts for nothing but its claim.
    let row = sqlx::query("select count(*) from deliveries where state = 'delivered'");
    let row = row.fetch_one(scene.gateway.database()).await?;
    assert_eq!(row.try_get::<i64, _>(0)?, 2);
    scene.finish().await
}
