//! `kill -9` of the API before, during and after the commit of a payment, and a commit whose response
//! is lost: a retry under the same key finds one payment.

use anyhow::Result;
use serde_json::{Value, json};
use store::Role;
use tests::{Interrupted, Options, Process, Receiver, Response, cards, example};

use crate::proxy::Gate;
use crate::scene::Scene;

const KEY: &str = "order-12345";

/// Pays under the key while something happens; returns both results.
async fn paying<T>(
    scene: &Scene,
    meanwhile: impl Future<Output = Result<T>>,
) -> Result<(Result<Response>, T)> {
    let paying = async { anyhow::Ok(scene.gateway.pay_with_key(cards::APPROVED, KEY).await) };
    tokio::try_join!(paying, meanwhile)
}

/// Retries: the response is about the only payment, which succeeds.
async fn retry(scene: &Scene) -> Result<Response> {
    let again = scene.gateway.pay_with_key(cards::APPROVED, KEY).await?;
    assert_eq!((again.status, again.at("/status")), (200, "succeeded"));
    assert_eq!(again.at("/id"), scene.only_payment().await?);
    assert_eq!(scene.gateway.sandbox_log()?.len(), 2);
    Ok(again)
}

#[tokio::test]
async fn after_the_commit() -> Result<()> {
    let scene = Scene::with(Options::default()).await?;
    // No job that the API publishes reaches the broker.
    let url = scene.gateway.amqp_url();
    let wire = scene.detour(Process::Api, "AMQP_URL", &url).await?;
    wire.forth().set(Gate::Mute);
    let killing = async {
        let payment = scene.only_payment().await?;
        scene.gateway.kill(Process::Api)?;
        Ok(payment)
    };
    let (answer, payment) = paying(&scene, killing).await?;
    assert!(answer.is_err(), "{answer:?}");
    wire.cut();
    scene.gateway.launch(&[Process::Api]).await?;
    let again = retry(&scene).await?;
    assert_eq!(again.at("/id"), payment);
    assert_eq!(again.header("idempotent-replayed"), "true");
    scene.finish().await
}

/// The statement that accepts a payment waits for a lock when the API is killed.
async fn during_the_commit(interrupted: Interrupted) -> Result<Scene> {
    let scene = Scene::with(Options::default()).await?;
    let lock = scene.gateway.lock_merchants().await?;
    let killing = async {
        scene.gateway.wait_blocked("sluice api", 1).await?;
        scene.gateway.kill(Process::Api)?;
        scene
            .gateway
            .end_connections(lock, "sluice api", interrupted)
            .await
    };
    let (answer, ()) = paying(&scene, killing).await?;
    assert!(answer.is_err(), "{answer:?}");
    Ok(scene)
}

#[tokio::test]
async fn before_the_commit() -> Result<()> {
    let scene = during_the_commit(Interrupted::RolledBack).await?;
    assert_eq!(scene.gateway.count("payments").await?, 0);
    scene.gateway.launch(&[Process::Api]).await?;
    let again = retry(&scene).await?;
    assert_eq!(again.header("idempotent-replayed"), "");
    scene.finish().await
}

#[tokio::test]
async fn during_a_commit_that_succeeds() -> Result<()> {
    let scene = during_the_commit(Interrupted::Committed).await?;
    assert_eq!(scene.gateway.count("payments").await?, 1);
    scene.gateway.launch(&[Process::Api]).await?;
    let again = retry(&scene).await?;
    assert_eq!(again.header("idempotent-replayed"), "true");
    scene.finish().await
}

/// The API lives, but gets no response to the statement that stores the payment.
async fn lose_the_response(scene: &Scene, key: Option<&str>) -> Result<Response> {
    let url = scene.gateway.role_url(Role::Api)?;
    let database = scene.detour(Process::Api, "DATABASE_URL", &url).await?;
    let lock = scene.gateway.lock_merchants().await?;
    let request = scene
        .gateway
        .posting("/v1/payments", &example(cards::APPROVED));
    let request = match key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    };
    let cutting = async {
        scene.gateway.wait_blocked("sluice api", 1).await?;
        database.back().set(Gate::Mute);
        lock.rollback().await?;
        let payment = scene.only_payment().await?;
        database.cut();
        Ok(payment)
    };
    let (answer, payment) = tokio::try_join!(scene.gateway.send(request), cutting)?;
    assert_eq!((answer.status, answer.at("/status")), (200, "succeeded"));
    assert_eq!(answer.at("/id"), payment);
    Ok(answer)
}

#[tokio::test]
async fn a_lost_commit_response() -> Result<()> {
    let scene = Scene::with(Options::default()).await?;
    let answer = lose_the_response(&scene, Some(KEY)).await?;
    assert_eq!(retry(&scene).await?.text, answer.text);
    scene.finish().await
}

#[tokio::test]
async fn a_lost_commit_response_without_a_key() -> Result<()> {
    let scene = Scene::with(Options::default()).await?;
    lose_the_response(&scene, None).await?;
    assert_eq!(scene.gateway.count("payments").await?, 1);
    scene.finish().await
}

/// A customer's event is recorded in the commit whose response is lost, and the statement runs again.
#[tokio::test]
async fn a_lost_commit_response_of_a_customer() -> Result<()> {
    let scene = Scene::with(Options::default()).await?;
    let gateway = &scene.gateway;
    let customers = Receiver::start().await?;
    let events = json!(["customer.created", "customer.updated"]);
    let endpoint = json!({"url": customers.url("/"), "events": events});
    gateway.register_as("/v1/webhooks", &endpoint).await?;
    let url = gateway.role_url(Role::Api)?;
    let database = scene.detour(Process::Api, "DATABASE_URL", &url).await?;
    for (key, name) in [("1", "Ada"), ("2", "Countess")] {
        database.back().set(Gate::Replace(&["COMMIT"], &[]));
        let body = json!({"email": "ada@example.com", "name": name});
        let request = || {
            let request = gateway.posting("/v1/customers", &body);
            request.header("Idempotency-Key", key)
        };
        let answer = gateway.send(request()).await?;
        assert_eq!((answer.status, answer.at("/name")), (200, name));
        assert!(!database.back().replaces(), "no commit was cut off");
        assert_eq!(gateway.send(request()).await?.text, answer.text);
    }
    gateway.drain().await?;
    let webhooks = customers.requests();
    let mut types: Vec<_> = webhooks
        .iter()
        .map(|one| one.json()["type"].clone())
        .collect();
    types.sort_by_key(Value::to_string);
    assert_eq!(types, ["customer.created", "customer.updated"]);
    scene.gateway.finish().await
}
