//! SIGTERM of every process under load: each exits successfully, and clients see nothing but refused
//! connections.

use std::time::Duration;

use anyhow::{Result, ensure};
use tests::{Options, Process, until};
use tokio::time::Instant;

use crate::endurance::{drain_time, scale};
use crate::load::{self, Failure};
use crate::scene::{SOON, Scene};

/// How long a process may take to end.
const IN_TIME: Duration = Duration::from_secs(10);

/// Waits until one more payment is stored; the next client comes a moment later.
async fn another_payment(scene: &Scene) -> Result<()> {
    let before = scene.gateway.count("payments").await?;
    until("another payment is stored", SOON, async || {
        Ok((scene.gateway.count("payments").await? > before).then_some(()))
    })
    .await
}

#[tokio::test]
async fn every_process_shuts_down_cleanly() -> Result<()> {
    let scene = Scene::with(Options {
        wait_ms: 2_000,
        ..Options::default()
    })
    .await?;
    let ending = async {
        for _ in 0..2 * scale() {
            for process in [
                Process::Api,
                Process::Scheduler,
                Process::Card,
                Process::Refund,
                Process::Webhook,
            ] {
                // Not while a client connects: HTTP/1.1 has no way to say that its request was not read.
                another_payment(&scene).await?;
                let asked = Instant::now();
                scene.gateway.terminate(process).await?;
                ensure!(
                    asked.elapsed() < IN_TIME,
                    "{process:?}: {:?}",
                    asked.elapsed()
                );
                scene.gateway.launch(&[process]).await?;
            }
        }
        Ok(())
    };
    let clients = 60 * scale();
    let paid = load::during(&scene.gateway, Duration::from_millis(75), clients, ending).await?;
    let failures = paid.iter().flat_map(|one| &one.failures);
    let others: Vec<_> = failures
        .filter(|one| !matches!(one, Failure::Refused))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    scene.gateway.drain_within(drain_time()?).await?;
    load::check_payments(&scene.gateway, &paid).await?;
    // No work was interrupted, so none was repeated.
    let payments = scene.gateway.payments().await?.into_iter();
    let approved = payments.filter(|one| one.card_last4.as_deref() == Some("4242"));
    for payment in approved {
        let history = scene.gateway.history(&payment.id).await?;
        assert!(
            !history.iter().any(|event| event == "response_lost"),
            "{payment:?}"
        );
    }
    scene.finish().await
}
