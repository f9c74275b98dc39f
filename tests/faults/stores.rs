//! The stores killed under load: the broker, the broker with its disk, and Postgres.

use std::time::Duration;

use anyhow::{Context, Result};
use tests::{Options, Process, Store, cards};

use crate::load::{self, Failure, Paid};
use crate::scene::Scene;

/// The interval between clients.
const PACE: Duration = Duration::from_millis(120);
/// The least number of clients.
const PAYMENTS: usize = 60;

async fn scene() -> Result<Scene> {
    Scene::with(Options {
        wait_ms: 500,
        own_stores: true,
        ..Options::default()
    })
    .await
}

/// Waits until every worker has reconnected.
async fn ready(scene: &Scene) -> Result<()> {
    for process in [Process::Scheduler, Process::Card, Process::Webhook] {
        scene.gateway.wait_ready(process).await?;
    }
    Ok(())
}

/// Every client's first attempt succeeded.
fn check_no_failures(paid: &[Paid]) {
    let noticed: Vec<_> = paid.iter().filter(|one| !one.failures.is_empty()).collect();
    assert!(noticed.is_empty(), "{noticed:#?}");
}

/// Killed, with its disk wiped: Postgres rebuilds every queue.
#[tokio::test]
async fn payments_are_accepted_while_the_broker_is_down() -> Result<()> {
    let scene = scene().await?;
    let (gateway, stores) = (&scene.gateway, scene.gateway.stores());
    let faults = async {
        stores.kill(Store::Rabbitmq).await?;
        stores.wipe_broker()?;
        stores.start(Store::Rabbitmq).await?;
        stores.make_vhost(gateway.name()).await?;
        ready(&scene).await
    };
    let paid = load::during(gateway, PACE, PAYMENTS, faults).await?;
    check_no_failures(&paid);
    gateway.drain().await?;
    load::check_payments(gateway, &paid).await?;
    // Recovered: responses carry the outcome again.
    assert_eq!(
        gateway.pay(cards::APPROVED).await?.at("/status"),
        "succeeded"
    );
    scene.finish().await
}

/// A broker that keeps its disk: killed, which may leave queues without a leader, and shut down.
#[tokio::test]
async fn payments_are_accepted_while_the_broker_restarts() -> Result<()> {
    let scene = scene().await?;
    let (gateway, stores) = (&scene.gateway, scene.gateway.stores());
    let faults = async {
        stores.kill(Store::Rabbitmq).await?;
        stores.start(Store::Rabbitmq).await?;
        ready(&scene).await?;
        stores.stop(Store::Rabbitmq).await?;
        stores.start(Store::Rabbitmq).await?;
        ready(&scene).await
    };
    let paid = load::during(gateway, PACE, PAYMENTS, faults).await?;
    check_no_failures(&paid);
    gateway.drain().await?;
    load::check_payments(gateway, &paid).await?;
    scene.finish().await
}

/// While Postgres is down the response is 503 with `Retry-After`. Payments that got a 200 exist
/// afterwards, and each key has one payment.
#[tokio::test]
async fn no_response_is_wrong_while_postgres_is_down() -> Result<()> {
    let scene = scene().await?;
    let (gateway, stores) = (&scene.gateway, scene.gateway.stores());
    let faults = async {
        for _ in 0..3 {
            stores.kill(Store::Postgres).await?;
            let unanswered = gateway.pay(cards::APPROVED).await?;
            assert_eq!(unanswered.status, 503, "{}", unanswered.text);
            stores.start(Store::Postgres).await?;
            ready(&scene).await?;
        }
        Ok(())
    };
    let paid = load::during(gateway, PACE, PAYMENTS, faults).await?;
    for failure in paid.iter().flat_map(|one| &one.failures) {
        let Failure::Status(answer) = failure else {
            anyhow::bail!("{failure:?}");
        };
        assert_eq!(answer.status, 503, "{}", answer.text);
        let after: u64 = answer
            .header("retry-after")
            .parse()
            .context("Retry-After")?;
        assert!(after > 0);
    }
    gateway.drain().await?;
    load::check_payments(gateway, &paid).await?;
    scene.finish().await
}
