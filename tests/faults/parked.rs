//! Jobs that always fail: parked, shown, redriven, and in nobody's way.

use anyhow::{Context, Result, ensure};
use domain::job::{Job, Worker};
use lapin::BasicProperties;
use sqlx::{AssertSqlSafe, Row};
use tests::{Process, until};
use uuid::Uuid;

use crate::broker::Broker;
use crate::scene::{APPROVED, SOON, Scene, id};

/// Whether a payment's job is parked; if not, rings for it, so that no backoff is waited for.
async fn is_parked(scene: &Scene, broker: &Broker, payment: Uuid) -> Result<bool> {
    let query = sqlx::query("select seq, parked_at is not null from jobs where id = $1");
    let row = query
        .bind(payment)
        .fetch_one(scene.gateway.database())
        .await?;
    let job = Job {
        worker: Worker::Card,
        id: payment,
        seq: row.try_get(0)?,
    };
    let body = queue::encode(&job);
    broker
        .publish("sluice.card", body.as_bytes(), BasicProperties::default())
        .await?;
    Ok(row.try_get(1)?)
}

#[tokio::test]
async fn a_job_that_always_fails_is_parked_and_redriven() -> Result<()> {
    let scene = Scene::patient().await?;
    let db = scene.gateway.database();
    let broker = Broker::connect(&scene.gateway).await?;
    scene.gateway.kill(Process::Card)?;
    let (poisoned, deadly) = (
        scene.pay_pending(APPROVED).await?,
        scene.pay_pending(APPROVED).await?,
    );
    // Nothing can be written about this one, though its neighbours share its statement.
    let poison = format!(
        "alter table payment_history add constraint poison check (payment_id <> '{}') not valid",
        id(&poisoned)?
    );
    sqlx::query(AssertSqlSafe(poison)).execute(db).await?;
    // And this one has ended its worker ten times.
    let query = sqlx::query("update jobs set attempts = 10 where id = $1");
    query.bind(id(&deadly)?).execute(db).await?;
    scene.gateway.launch(&[Process::Card]).await?;
    for payment in [&poisoned, &deadly] {
        let id = id(payment)?;
        until("a job is parked", SOON, async || {
            // The others are paid as ever meanwhile.
            let answer = scene.gateway.pay(APPROVED).await?;
            ensure!(answer.status == 200, "{}", answer.text);
            Ok(is_parked(&scene, &broker, id).await?.then_some(()))
        })
        .await?;
    }
    scene.gateway.drain().await?;
    let query = "select count(*) from payments where state <> 'captured'";
    let left: i64 = sqlx::query_scalar(query).fetch_one(db).await?;
    assert_eq!(left, 2, "only the two wait");
    assert!(
        scene.gateway.verify().await.is_err(),
        "verify must show parked jobs"
    );
    let list = scene.gateway.operate(&["jobs", "list"]).await?;
    for (payment, why) in [(&poisoned, "poison"), (&deadly, "claimed again and again")] {
        let id = id(payment)?.to_string();
        let line = list
            .lines()
            .find(|line| line.contains(&id))
            .unwrap_or_default();
        assert!(line.contains("parked") && line.contains(why), "{list}");
    }
    sqlx::query("alter table payment_history drop constraint poison")
        .execute(db)
        .await?;
    let one = id(&poisoned)?.to_string();
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

/// A card whose private key is gone: it is parked and shown, and goes on when an operator has
/// brought the key back and redrives it.
#[tokio::test]
async fn a_job_that_cannot_be_done_is_parked_and_redriven() -> Result<()> {
    let scene = Scene::patient().await?;
    let keys = scene.gateway.directory().join("card");
    let key = std::fs::read_dir(&keys)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "key"))
        .context("the card worker has no key")?;
    let hidden = key.with_extension("hidden");
    std::fs::rename(&key, &hidden)?;
    // The worker has not opened a card yet, or has forgotten the key with its restart.
    scene.gateway.kill(Process::Card)?;
    scene.gateway.launch(&[Process::Card]).await?;
    let payment = scene.pay_pending(APPROVED).await?;
    until("the job is parked", SOON, async || {
        let query = sqlx::query("select error from jobs where parked_at is not null");
        let row = query.fetch_optional(scene.gateway.database()).await?;
        Ok(row.map(|row| row.try_get::<String, _>(0)).transpose()?)
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
