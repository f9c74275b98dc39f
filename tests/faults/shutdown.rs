//! SIGTERM of every process under load: each exits successfully, and clients see nothing but refused
//! connections.

use std::time::Duration;

use anyhow::Result;
use tests::{Options, Process, until};

use crate::load::{self, Failure};
use crate::scene::{SOON, Scene};

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
        for _ in 0..2 {
            for process in [
                Process::Api,
                Process::Scheduler,
                Process::Card,
                Process::Webhook,
            ] {
                // Not while a client connects: HTTP/1.1 has no way to say that its request was not read.
                another_payment(&scene).await?;
                scene.gateway.terminate(process).await?;
                scene.gateway.launch(&[process]).await?;
            }
        }
        Ok(())
    };
    let paid = load::during(&scene.gateway, Duration::from_millis(75), 60, ending).await?;
    let failures = paid.iter().flat_map(|one| &one.failures);
    let others: Vec<_> = failures
        .filter(|one| !matches!(one, Failure::Refused))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    scene.gateway.drain().await?;
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
