//! Every process runs twice and every message is duplicated, but everything is done once.

use std::time::Duration;

use anyhow::Result;
use lapin::BasicProperties;
use tests::{Options, Process};

use crate::broker::Broker;
use crate::load;
use crate::scene::Scene;

const SECOND: [Process; 4] = [
    Process::SecondScheduler,
    Process::SecondCard,
    Process::SecondWebhook,
    Process::SecondApi,
];

/// Publishes all jobs over and over, as many schedulers would.
pub async fn publish_repeatedly(scene: &Scene) -> Result<()> {
    let broker = Broker::connect(&scene.gateway).await?;
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..60 {
        pace.tick().await;
        for row in scene.gateway.jobs().await? {
            let body = queue::encode(&row.job);
            let queue = queue::name(row.job.worker);
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
async fn two_of_each_process_and_repeated_messages() -> Result<()> {
    let scene = Scene::with(Options::default()).await?;
    scene.gateway.launch(&SECOND).await?;
    let pace = Duration::from_millis(60);
    let paid = load::during(&scene.gateway, pace, 60, publish_repeatedly(&scene)).await?;
    assert!(paid.iter().all(|one| one.failures.is_empty()), "{paid:#?}");
    scene.gateway.drain().await?;
    load::check_payments(&scene.gateway, &paid).await?;
    // No fault: every event is delivered exactly once, every payment has one attempt.
    let deliveries = scene.gateway.count("deliveries").await?;
    assert_eq!(scene.receiver.requests().len(), deliveries);
    for payment in scene.gateway.payments().await? {
        let attempts = scene.gateway.attempts(&payment.id).await?;
        assert!(attempts.len() <= 1, "{payment:?}: {attempts:?}");
    }
    scene.finish().await
}
