//! `kill -9` of the API before, in and after the commit of a payment, and a commit whose answer is
//! lost: whoever asks again under the same key has one payment.

use anyhow::Result;
use sqlx::{Postgres, Transaction};
use tests::{Answer, Process};

use crate::proxy::Gate;
use crate::scene::{APPROVED, End, Scene, blocked, bury};

const KEY: &str = "order-12345";

/// Lets nobody write a payment.
async fn lock(scene: &Scene) -> Result<Transaction<'_, Postgres>> {
    let mut lock = scene.gateway.database().begin().await?;
    let query = sqlx::query("lock table payments in share mode");
    query.execute(&mut *lock).await?;
    Ok(lock)
}

/// Asks again: the answer is about the one payment, which succeeds.
async fn ask_again(scene: &Scene) -> Result<Answer> {
    let again = scene.gateway.pay_once(APPROVED, KEY).await?;
    assert_eq!((again.status, again.at("/status")), (200, "succeeded"));
    assert_eq!(again.at("/id"), scene.only_payment().await?);
    assert_eq!(scene.gateway.sandbox_log()?.len(), 2);
    Ok(again)
}

#[tokio::test]
async fn after_the_commit() -> Result<()> {
    let scene = Scene::with(tests::Options::default()).await?;
    // Nobody hears of the payment from the API itself.
    let url = scene.gateway.amqp_url();
    let wire = scene.detour(Process::Api, "AMQP_URL", &url).await?;
    wire.forth().set(Gate::Mute);
    let paying = scene.gateway.pay_once(APPROVED, KEY);
    let killing = async {
        let payment = scene.only_payment().await?;
        scene.gateway.kill(Process::Api)?;
        anyhow::Ok(payment)
    };
    let (answer, payment) = tokio::join!(paying, killing);
    assert!(answer.is_err(), "{answer:?}");
    wire.cut();
    scene.gateway.launch(&[Process::Api]).await?;
    let again = ask_again(&scene).await?;
    assert_eq!(again.at("/id"), payment?);
    assert_eq!(again.header("idempotent-replayed"), "true");
    scene.finish().await
}

/// The statement that accepts a payment waits for a lock when the API is killed.
async fn in_the_commit(end: End) -> Result<Scene> {
    let scene = Scene::with(tests::Options::default()).await?;
    let db = scene.gateway.database();
    let lock = lock(&scene).await?;
    let paying = scene.gateway.pay_once(APPROVED, KEY);
    let killing = async {
        let backend = blocked(db, "sluice api").await?;
        scene.gateway.kill(Process::Api)?;
        bury(db, lock, backend, end).await
    };
    let (answer, killed) = tokio::join!(paying, killing);
    killed?;
    assert!(answer.is_err(), "{answer:?}");
    Ok(scene)
}

#[tokio::test]
async fn before_the_commit() -> Result<()> {
    let scene = in_the_commit(End::RolledBack).await?;
    assert_eq!(scene.payments().await?, 0);
    scene.gateway.launch(&[Process::Api]).await?;
    let again = ask_again(&scene).await?;
    assert_eq!(again.header("idempotent-replayed"), "");
    scene.finish().await
}

#[tokio::test]
async fn in_a_commit_that_succeeds() -> Result<()> {
    let scene = in_the_commit(End::Committed).await?;
    assert_eq!(scene.payments().await?, 1);
    scene.gateway.launch(&[Process::Api]).await?;
    let again = ask_again(&scene).await?;
    assert_eq!(again.header("idempotent-replayed"), "true");
    scene.finish().await
}

/// The API lives, and does not hear that the payment is stored.
#[tokio::test]
async fn a_commit_whose_answer_is_lost() -> Result<()> {
    let scene = Scene::with(tests::Options::default()).await?;
    let url = scene.gateway.database_url();
    let database = scene.detour(Process::Api, "DATABASE_URL", &url).await?;
    let lock = lock(&scene).await?;
    let paying = scene.gateway.pay_once(APPROVED, KEY);
    let cutting = async {
        blocked(scene.gateway.database(), "sluice api").await?;
        database.back().set(Gate::Mute);
        lock.rollback().await?;
        let payment = scene.only_payment().await?;
        database.cut();
        anyhow::Ok(payment)
    };
    let (answer, payment) = tokio::join!(paying, cutting);
    let (answer, payment) = (answer?, payment?);
    assert_eq!((answer.status, answer.at("/status")), (200, "succeeded"));
    assert_eq!(answer.at("/id"), payment);
    let again = ask_again(&scene).await?;
    assert_eq!(again.text, answer.text);
    scene.finish().await
}

/// The same without a key: the client asked once and has one payment.
#[tokio::test]
async fn a_commit_whose_answer_is_lost_without_a_key() -> Result<()> {
    let scene = Scene::with(tests::Options::default()).await?;
    let url = scene.gateway.database_url();
    let database = scene.detour(Process::Api, "DATABASE_URL", &url).await?;
    let lock = lock(&scene).await?;
    let paying = scene.gateway.pay(APPROVED);
    let cutting = async {
        blocked(scene.gateway.database(), "sluice api").await?;
        database.back().set(Gate::Mute);
        lock.rollback().await?;
        scene.only_payment().await?;
        database.cut();
        anyhow::Ok(())
    };
    let (answer, cut) = tokio::join!(paying, cutting);
    cut?;
    assert_eq!(answer?.status, 200);
    assert_eq!(scene.payments().await?, 1);
    scene.finish().await
}
