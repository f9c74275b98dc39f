//! Everything started twice, and every message doubled: each thing is done once.

use std::time::Duration;

use anyhow::Result;
use domain::job::{Job, Worker};
use lapin::BasicProperties;
use sqlx::Row;
use tests::{Options, Process};
use uuid::Uuid;

use crate::broker::Broker;
use crate::load;
use crate::scene::Scene;

const SECOND: [Process; 4] = [
    Process::SecondRelay,
    Process::SecondCard,
    Process::SecondWebhook,
    Process::SecondApi,
];

/// Rings over and over for everything on the calendar, as many relays would.
pub async fn ring_too_often(scene: &Scene) -> Result<()> {
    let broker = Broker::connect(&scene.gateway).await?;
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..60 {
        pace.tick().await;
        let rows = sqlx::query("select worker, id, seq from jobs");
        for row in rows.fetch_all(scene.gateway.database()).await? {
            let worker: Worker = row.try_get::<&str, _>("worker")?.parse()?;
            let (id, seq): (Uuid, i64) = (row.try_get("id")?, row.try_get("seq")?);
            let body = queue::encode(&Job { worker, id, seq });
            let queue = queue::name(worker);
            for _ in 0..2 {
                broker
                    .publish(&queue, body.as_bytes(), BasicProperties::default())
                    .await?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn two_of_each_and_every_ring_many_times() -> Result<()> {
    let scene = Scene::with(Options::default()).await?;
    scene.gateway.launch(&SECOND).await?;
    let pace = Duration::from_millis(60);
    let paid = load::during(&scene.gateway, pace, 60, ring_too_often(&scene)).await?;
    assert!(paid.iter().all(|one| one.failures.is_empty()), "{paid:#?}");
    scene.gateway.drain().await?;
    load::kept(&scene.gateway, &paid).await?;
    // No fault: every event is told exactly once, every payment has one attempt.
    let query = "select count(*) from deliveries";
    let deliveries: i64 = sqlx::query_scalar(query)
        .fetch_one(scene.gateway.database())
        .await?;
    assert_eq!(
        scene.receiver.requests().len(),
        usize::try_from(deliveries)?
    );
    let query = "select count(*) from authorizations where attempt > 1";
    let again: i64 = sqlx::query_scalar(query)
        .fetch_one(scene.gateway.database())
        .await?;
    assert_eq!(again, 0);
    scene.finish().await
}
