//! Rows of a newer version, which shares the database during an upgrade: what this version cannot read is
//! given up alone, and everything else goes on.

use anyhow::{Context, Result, ensure};
use domain::id::RefundId;
use reqwest::Method;
use serde_json::json;
use sqlx::AssertSqlSafe;
use tests::{Process, cards, payment_id, until};
use uuid::Uuid;

use crate::scene::{SOON, Scene};

/// Lets the database take values that a newer version may write.
const NEWER_SCHEMA: [&str; 5] = [
    "alter domain payment_state drop constraint payment_state_known",
    "alter domain delivery_state drop constraint delivery_state_known",
    "alter domain refund_state drop constraint refund_state_known",
    "alter domain worker drop constraint worker_known",
    "alter table events disable trigger events_immutable",
];

async fn execute(scene: &Scene, sql: &'static str, id: Option<Uuid>) -> Result<()> {
    let query = sqlx::query(AssertSqlSafe(sql));
    let query = match id {
        Some(id) => query.bind(id),
        None => query,
    };
    let changed = query.execute(scene.gateway.database()).await?;
    ensure!(id.is_none() || changed.rows_affected() == 1, "{sql}");
    Ok(())
}

/// Waits until a job is parked with this reason.
async fn is_parked(scene: &Scene, id: Uuid, reason: &str) -> Result<()> {
    until(&format!("{id} is parked: {reason}"), SOON, async || {
        let query = "select error from jobs where id = $1 and parked_at is not null";
        let query = sqlx::query_scalar(query).bind(id);
        let error: Option<String> = query.fetch_optional(scene.gateway.database()).await?;
        Ok(error.filter(|error| error.contains(reason)).map(drop))
    })
    .await
}

#[tokio::test]
async fn a_payment_in_an_unknown_state_is_parked_alone() -> Result<()> {
    let scene = Scene::patient().await?;
    for sql in NEWER_SCHEMA {
        execute(&scene, sql, None).await?;
    }
    scene.gateway.terminate(Process::Card).await?;
    let mut payments = Vec::new();
    for _ in 0..6 {
        payments.push(scene.pay_pending(cards::APPROVED).await?);
    }
    let (newer, known) = payments.split_at(1);
    let newer = payment_id(&newer.concat())?;
    execute(
        &scene,
        "update payments set state = 'screening' where id = $1",
        Some(newer),
    )
    .await?;
    // A job for a worker that this version does not have.
    execute(
        &scene,
        "insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
         select 'payout', gen_random_uuid(), id, merchant_id, live, now() from payments where id = $1",
        Some(newer),
    )
    .await?;
    // A job of the card worker for a purpose that it does not know.
    execute(
        &scene,
        "insert into jobs (worker, id, owner_id, purpose, merchant_id, live, due_at)
         select 'card', gen_random_uuid(), id, 'screen', merchant_id, live, now() from payments where id = $1",
        Some(newer),
    )
    .await?;
    scene.gateway.launch(&[Process::Card]).await?;
    is_parked(&scene, newer, "payments cannot be read").await?;
    for payment in known {
        until("the other payments succeed", SOON, async || {
            let read = scene.read(payment).await?;
            Ok((read.at("/status") == "succeeded").then_some(()))
        })
        .await?;
    }
    // A list has the others.
    let list = scene.gateway.request(Method::GET, "/v1/transactions");
    let list = list.bearer_auth(scene.gateway.merchant.test_key.as_str());
    let list = scene.gateway.send(list).await?;
    let listed = list.body["data"].as_array().map(Vec::len);
    assert_eq!(
        (list.status, listed),
        (200, Some(known.len())),
        "{}",
        list.text
    );
    let left = "select count(*) from jobs where purpose = 'screen' and lease is null
                and parked_at is null and publish_count > 0";
    until("the scheduler has published the job", SOON, async || {
        let left: i64 = sqlx::query_scalar(left)
            .fetch_one(scene.gateway.database())
            .await?;
        Ok((left == 1).then_some(()))
    })
    .await?;
    execute(
        &scene,
        "delete from jobs where worker = 'payout' or purpose = 'screen'",
        None,
    )
    .await?;
    // The newer version continues.
    execute(
        &scene,
        "update payments set state = 'authorizing' where id = $1",
        Some(newer),
    )
    .await?;
    scene.gateway.operate(&["jobs", "redrive", "--all"]).await?;
    scene.finish().await
}

/// The deliveries of one batch: one of an unknown kind of event, one in an unknown state.
#[tokio::test]
async fn an_unknown_event_or_delivery_is_parked_alone() -> Result<()> {
    let scene = Scene::patient().await?;
    for sql in NEWER_SCHEMA {
        execute(&scene, sql, None).await?;
    }
    scene.gateway.terminate(Process::Webhook).await?;
    for _ in 0..6 {
        let paid = scene.gateway.pay(cards::APPROVED).await?;
        ensure!(paid.status == 200, "{}", paid.text);
    }
    let deliveries = "select id, event_id from deliveries order by id";
    let deliveries = until("all have ended", SOON, async || {
        let query = sqlx::query_as(deliveries);
        let rows: Vec<(Uuid, Uuid)> = query.fetch_all(scene.gateway.database()).await?;
        Ok((rows.len() == 6).then_some(rows))
    })
    .await?;
    let [(with_event, event), (asleep, _), ..] = deliveries.as_slice() else {
        anyhow::bail!("{deliveries:?}");
    };
    execute(
        &scene,
        "update events set type = type || '.screened' where id = $1",
        Some(*event),
    )
    .await?;
    execute(
        &scene,
        "update deliveries set state = 'asleep' where id = $1",
        Some(*asleep),
    )
    .await?;
    scene.gateway.launch(&[Process::Webhook]).await?;
    is_parked(&scene, *with_event, "events cannot be read").await?;
    is_parked(&scene, *asleep, "deliveries cannot be read").await?;
    until("the others are delivered", SOON, async || {
        Ok((scene.receiver.requests().len() == 4).then_some(()))
    })
    .await?;
    execute(
        &scene,
        "update events set type = replace(type, '.screened', '') where id = $1",
        Some(*event),
    )
    .await?;
    execute(
        &scene,
        "update deliveries set state = 'delivering' where id = $1",
        Some(*asleep),
    )
    .await?;
    scene.gateway.operate(&["jobs", "redrive", "--all"]).await?;
    scene.finish().await
}

#[tokio::test]
async fn a_refund_in_an_unknown_state_is_parked_alone() -> Result<()> {
    let scene = Scene::patient().await?;
    for sql in NEWER_SCHEMA {
        execute(&scene, sql, None).await?;
    }
    let payment = scene
        .gateway
        .pay(cards::APPROVED)
        .await?
        .at("/id")
        .to_owned();
    scene.gateway.terminate(Process::Refund).await?;
    let path = format!("/v1/payments/{payment}/refund");
    let mut refunds = Vec::new();
    for _ in 0..4 {
        let refund = scene.gateway.request(Method::POST, &path);
        let refund = refund.bearer_auth(scene.gateway.merchant.test_key.as_str());
        let asked = scene
            .gateway
            .send(refund.json(&json!({"amount": 1})))
            .await?;
        ensure!(asked.at("/status") == "pending", "{}", asked.text);
        refunds.push(RefundId::parse(asked.at("/id")).context("no refund")?.0);
    }
    let newer = *refunds.get(1).context("no refund")?;
    let set = |state| format!("update refunds set state = '{state}' where id = $1");
    let set = async |state| {
        let query = sqlx::query(AssertSqlSafe(set(state))).bind(newer);
        query.execute(scene.gateway.database()).await
    };
    set("screening").await?;
    scene.gateway.launch(&[Process::Refund]).await?;
    is_parked(&scene, newer, "refunds cannot be read").await?;
    let paid_back = "select count(*) from refunds where state = 'refunded'";
    until("the other refunds succeed", SOON, async || {
        let paid_back = sqlx::query_scalar(paid_back);
        let count: i64 = paid_back.fetch_one(scene.gateway.database()).await?;
        Ok((count == 3).then_some(()))
    })
    .await?;
    let list = scene.gateway.request(Method::GET, "/v1/refunds");
    let list = list.bearer_auth(scene.gateway.merchant.test_key.as_str());
    let list = scene.gateway.send(list).await?;
    let listed = list.body["data"].as_array().map(Vec::len);
    assert_eq!((list.status, listed), (200, Some(3)), "{}", list.text);
    // The newer version continues.
    execute(&scene, "alter table refunds disable trigger user", None).await?;
    set("refunding").await?;
    execute(&scene, "alter table refunds enable trigger user", None).await?;
    scene.gateway.operate(&["jobs", "redrive", "--all"]).await?;
    scene.finish().await
}
