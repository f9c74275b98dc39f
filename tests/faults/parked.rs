//! Jobs that always fail: parked, listed, redriven, and no obstacle to others.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use lapin::BasicProperties;
use tests::{Process, cards, payment_id, until};

use crate::broker::Broker;
use crate::scene::{SOON, Scene};

/// Whether a payment's job is parked; if not, publishes it, so that the test waits for no backoff.
async fn is_parked(scene: &Scene, broker: &Broker, payment: &str) -> Result<bool> {
    let row = scene.gateway.job_of(payment).await?;
    let body = queue::encode(&row.job);
    broker
        .publish(
            "sluice.jobs.card",
            body.as_bytes(),
            BasicProperties::default(),
        )
        .await?;
    Ok(row.is_parked)
}

#[tokio::test]
async fn a_job_that_always_fails_is_parked_and_redriven() -> Result<()> {
    let scene = Scene::patient().await?;
    let broker = Broker::connect(&scene.gateway).await?;
    scene.gateway.kill(Process::Card)?;
    let (poisoned, deadly) = (
        scene.pay_pending(cards::APPROVED).await?,
        scene.pay_pending(cards::APPROVED).await?,
    );
    // Nothing can be written about this one, though other payments share its statement.
    scene.gateway.refuse_history_of(&poisoned).await?;
    // This one has crashed its worker ten times.
    scene.gateway.set_claims(&deadly, 10).await?;
    scene.gateway.launch(&[Process::Card]).await?;
    for payment in [&poisoned, &deadly] {
        until("a job is parked", SOON, async || {
            // Other payments succeed meanwhile.
            let answer = scene.gateway.pay(cards::APPROVED).await?;
            ensure!(answer.status == 200, "{}", answer.text);
            Ok(is_parked(&scene, &broker, payment).await?.then_some(()))
        })
        .await?;
    }
    scene.gateway.drain().await?;
    let payments = scene.gateway.payments().await?.into_iter();
    let left = payments.filter(|payment| payment.state != "captured");
    assert_eq!(left.count(), 2, "only the two wait");
    assert!(
        scene.gateway.verify().await.is_err(),
        "verify must show parked jobs"
    );
    let list = scene.gateway.operate(&["jobs", "list"]).await?;
    for (payment, why) in [
        (poisoned.as_str(), "poison"),
        (deadly.as_str(), "claimed repeatedly"),
    ] {
        let line = list
            .lines()
            .find(|line| line.contains(payment))
            .unwrap_or_default();
        assert!(line.contains("parked") && line.contains(why), "{list}");
    }
    scene.gateway.accept_history().await?;
    let one = payment_id(&poisoned)?.to_string();
    assert_eq!(
        scene.gateway.operate(&["jobs", "redrive", &one]).await?,
        "1 redriven\n"
    );
    assert_eq!(
        scene.gateway.operate(&["jobs", "redrive", "--all"]).await?,
        "1 redriven\n"
    );
    scene.gateway.drain().await?;
    for payment in [&poisoned, &deadly] {
        let (status, _, did) = scene.became(payment).await?;
        assert_eq!(status, "succeeded");
        assert_eq!(did, ["approved", "captured"]);
    }
    scene.finish().await
}

/// The private key of the cards that are being sealed now.
fn private_key(scene: &Scene) -> Result<PathBuf> {
    std::fs::read_dir(scene.gateway.directory().join("card"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "key"))
        .context("the card worker has no key")
}

/// A key that cannot be read now may be readable soon: nothing is sent, and nothing is parked.
#[tokio::test]
async fn a_key_that_cannot_be_read_is_tried_again() -> Result<()> {
    let scene = Scene::patient().await?;
    let key = private_key(&scene)?;
    let hidden = key.with_extension("hidden");
    std::fs::rename(&key, &hidden)?;
    std::fs::create_dir(&key)?;
    scene.gateway.kill(Process::Card)?;
    scene.gateway.launch(&[Process::Card]).await?;
    let payment = scene.pay_pending(cards::APPROVED).await?;
    until("the error is recorded", SOON, async || {
        let job = scene.gateway.job_of(&payment).await?;
        ensure!(!job.is_parked, "{:?}", job.error);
        Ok(job.error)
    })
    .await?;
    std::fs::remove_dir(&key)?;
    std::fs::rename(&hidden, &key)?;
    scene.gateway.drain().await?;
    scene.was_charged_once(&payment).await?;
    scene.finish().await
}

/// A card that nobody could open for a day is destroyed, and its payment fails.
#[tokio::test]
async fn a_parked_payment_fails_when_its_card_is_destroyed() -> Result<()> {
    let scene = Scene::patient().await?;
    let key = private_key(&scene)?;
    std::fs::rename(&key, key.with_extension("hidden"))?;
    scene.gateway.kill(Process::Card)?;
    scene.gateway.launch(&[Process::Card]).await?;
    let payment = scene.pay_pending(cards::APPROVED).await?;
    until("the job is parked", SOON, async || {
        let job = scene.gateway.job_of(&payment).await?;
        Ok(job.is_parked.then_some(()))
    })
    .await?;
    let age = "update sealed_cards set created_at = now() - interval '25 hours'";
    sqlx::query(age).execute(scene.gateway.database()).await?;
    scene.gateway.kill(Process::Scheduler)?;
    scene.gateway.launch(&[Process::Scheduler]).await?;
    until("the card is destroyed", SOON, async || {
        Ok((scene.gateway.count("sealed_cards").await? == 0).then_some(()))
    })
    .await?;
    scene.gateway.drain().await?;
    let read = scene.read(&payment).await?;
    assert_eq!(
        (read.at("/status"), read.at("/failure_code")),
        ("failed", "processing_error")
    );
    assert_eq!(scene.gateway.attempts(&payment).await?.len(), 0);
    scene.finish().await
}

/// A card whose private key is missing: the job is parked and listed, and continues after an operator
/// has restored the key and redriven it.
#[tokio::test]
async fn a_job_that_cannot_be_done_is_parked_and_redriven() -> Result<()> {
    let scene = Scene::patient().await?;
    let key = private_key(&scene)?;
    let hidden = key.with_extension("hidden");
    std::fs::rename(&key, &hidden)?;
    // The restarted worker has no key in memory.
    scene.gateway.kill(Process::Card)?;
    scene.gateway.launch(&[Process::Card]).await?;
    let payment = scene.pay_pending(cards::APPROVED).await?;
    until("the job is parked", SOON, async || {
        Ok(scene
            .gateway
            .job_of(&payment)
            .await?
            .is_parked
            .then_some(()))
    })
    .await?;
    let listed = scene.gateway.operate(&["jobs", "list"]).await?;
    assert!(
        listed.contains("parked") && listed.contains("private key"),
        "{listed}"
    );
    std::fs::rename(&hidden, &key)?;
    let redriven = scene.gateway.operate(&["jobs", "redrive", "--all"]).await?;
    assert!(redriven.contains("1 redriven"), "{redriven}");
    scene.gateway.drain().await?;
    let (status, attempts, did) = scene.became(&payment).await?;
    assert_eq!(status, "succeeded");
    assert_eq!(did.iter().filter(|did| *did == "captured").count(), 1);
    assert!(attempts.contains(&"approved".to_owned()), "{attempts:?}");
    scene.finish().await
}
