//! Plans that Postgres makes while the tables are empty, and keeps.

mod large;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::id::EndpointId;
use reqwest::Method;
use serde_json::json;
use sqlx::AssertSqlSafe;
use store::Role;
use tests::{Gateway, cards, until};
use uuid::Uuid;

const PAYMENTS: i64 = 60;

/// A plan that reads a whole index for each statement reads half of these rows on average. The index of
/// due jobs is left out: the scheduler reads all that is due.
const READ_TOO_MUCH: &str = "
    select format('%s: %s rows in %s scans', indexrelname, idx_tup_read, idx_scan)
    from pg_stat_user_indexes
    where idx_scan > 10 and idx_tup_read > idx_scan * 8 and indexrelname <> 'jobs_due'";

#[tokio::test]
async fn statements_planned_on_an_empty_database_find_their_rows_by_key() -> Result<()> {
    let gateway = Gateway::start().await?;
    let register =
        json!({"url": format!("{}/receivers/plans", gateway.url(tests::Process::Sandbox))});
    ensure!(gateway.post("/v1/webhooks", &register).await?.status == 200);
    for number in 0..PAYMENTS {
        let paid = gateway
            .pay_with_key(cards::APPROVED, &format!("order-{number}"))
            .await?;
        let path = format!("/v1/payments/{}/refund", paid.at("/id"));
        let refund = gateway.post(&path, &json!({"amount": 100})).await?;
        ensure!(refund.status == 200, "{}", refund.text);
    }
    // Each connection reports what it read after a second at the latest.
    let count = "select coalesce(sum(idx_scan), 0)::bigint from pg_stat_user_indexes
                 where indexrelname = 'refunds_pkey'";
    until(
        "the reads are counted",
        Duration::from_secs(20),
        async || {
            let scans: i64 = sqlx::query_scalar(count)
                .fetch_one(gateway.database())
                .await?;
            Ok((scans >= PAYMENTS).then_some(()))
        },
    )
    .await?;
    let found: Vec<String> = sqlx::query_scalar(READ_TOO_MUCH)
        .fetch_all(gateway.database())
        .await?;
    ensure!(found.is_empty(), "{found:#?}");
    gateway.finish().await
}

/// Rows of the merchant that no statement about its endpoint may read: deleted endpoints, deliveries that
/// ended and attempts of another endpoint. $1: the merchant; $2: the other endpoint; $3: the endpoint, for
/// which a few deliveries wait.
const CROWD: &str = "
    with gone as (
        insert into webhook_endpoints (id, merchant_id, live, surface, url, events, event_types, status)
        select gen_random_uuid(), $1, false, 'paygate', 'https://example.com/', '{*}', '{payment.failed}', 'deleted'
        from generate_series(1, 5000)
    ), event as (
        -- Ids that do not look old, or the scheduler would delete some.
        insert into events (id, merchant_id, live, type, subject, subject_id, data, data_version)
        select ('ff' || substr(gen_random_uuid()::text, 3))::uuid, $1, false, 'webhook_endpoint.test', 'endpoint', $2, '{}', 1
        from generate_series(1, 10000)
        returning id
    ), ended as (
        insert into deliveries (id, event_id, endpoint_id, state, attempts)
        select gen_random_uuid(), id, $2, 'delivered', 1 from event
        returning id
    ), attempt as (
        insert into delivery_attempts (id, delivery_id, attempt, endpoint_id, succeeded, status, duration_ms)
        select gen_random_uuid(), id, 1, $2, true, 200, 1 from ended
    ), waiting as (
        insert into deliveries (id, event_id, endpoint_id, state)
        select gen_random_uuid(), id, $3, 'delivering' from event limit 20
        returning id
    )
    insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
    select 'webhook', id, id, $1, false, now() + interval '1 day' from waiting";

/// What all connections have read of the tables about webhooks: by scans of a table, and by each index.
async fn rows_read(gateway: &Gateway) -> Result<BTreeMap<String, i64>> {
    let mut connection = gateway.database().acquire().await?;
    sqlx::query("select pg_stat_force_next_flush()")
        .execute(&mut *connection)
        .await?;
    let read = "with webhooks as (
                    select unnest('{webhook_endpoints,deliveries,delivery_attempts}'::name[]) as relname)
                select relname::text, seq_tup_read from pg_stat_user_tables join webhooks using (relname)
                union all
                select indexrelname, idx_tup_read from pg_stat_user_indexes join webhooks using (relname)";
    let read: Vec<(String, i64)> = sqlx::query_as(read).fetch_all(&mut *connection).await?;
    Ok(read.into_iter().collect())
}

#[tokio::test]
async fn statements_about_an_endpoint_read_what_is_its_own() -> Result<()> {
    let gateway = Gateway::start().await?;
    let url = format!("{}/receivers/plans", gateway.url(tests::Process::Sandbox));
    let (other, own) = (
        gateway.register("/v1/webhooks", &url).await?,
        gateway.register("/v1/webhooks", &url).await?,
    );
    let path = format!("/v1/webhooks/{}", own.id);
    let id = |endpoint: &str| EndpointId::parse(endpoint).map(|id| id.0).context("no id");
    let send = async |method, path: &str, body| {
        let request = gateway.request(method, path).json(&body);
        let request = request.bearer_auth(gateway.merchant.test_key.as_str());
        let answer = gateway.send(request).await?;
        ensure!(answer.status == 200, "{path}: {}", answer.text);
        Ok(answer)
    };
    // Every statement is planned on empty tables.
    let everything = async || -> Result<()> {
        for status in ["disabled", "active"] {
            send(Method::PATCH, &path, json!({"status": status})).await?;
        }
        send(Method::GET, "/v1/webhooks", json!({})).await?;
        send(Method::GET, &format!("{path}/attempts"), json!({})).await?;
        send(Method::POST, &format!("{path}/test"), json!({})).await?;
        gateway.pay(cards::DECLINED).await?;
        Ok(())
    };
    everything().await?;
    gateway.drain().await?;
    let crowd = sqlx::query(CROWD).bind(gateway.merchant.merchant_id.0);
    let crowd = crowd.bind(id(&other.id)?).bind(id(&own.id)?);
    let mut connection = gateway.database().acquire().await?;
    crowd.execute(&mut *connection).await?;
    // Its checks of foreign keys read rows, too: they must be counted before.
    sqlx::query("select pg_stat_force_next_flush()")
        .execute(&mut *connection)
        .await?;
    drop(connection);
    // It reads what waits each time it measures.
    gateway.terminate(tests::Process::Scheduler).await?;
    let before = rows_read(&gateway).await?;
    everything().await?;
    send(Method::DELETE, &path, json!({})).await?;
    // The connections report what they read after a second at the latest. The waiting deliveries are read
    // when the endpoint becomes active and when it is deleted.
    let read = until(
        "the reads are counted",
        Duration::from_secs(20),
        async || {
            let mut read = rows_read(&gateway).await?;
            for (name, rows) in &mut read {
                *rows -= before.get(name).copied().unwrap_or_default();
            }
            let waiting = read.get("deliveries_waiting").copied();
            Ok(waiting.filter(|rows| *rows >= 40).map(|_| read))
        },
    )
    .await?;
    // A statement that reads them all reads 5,000 rows at least. Reading an endpoint by its key counts each of
    // its versions that is not vacuumed yet.
    ensure!(read.values().all(|rows| *rows < 2500), "{read:#?}");
    gateway.launch(&[tests::Process::Scheduler]).await?;
    gateway.drain().await?;
    ensure!(gateway.jobs().await?.is_empty(), "deliveries still wait");
    planned_by_index(&gateway, id(&own.id)?).await?;
    gateway.finish().await
}

/// The deliveries that wait for an endpoint are found by the index of waiting ones, as the API's role.
async fn planned_by_index(gateway: &Gateway, endpoint: Uuid) -> Result<()> {
    let db = store::connect(Role::Api, &gateway.role_url(Role::Api)?, 1)?;
    let merchant = &gateway.merchant;
    let mut tx = store::begin(&db, merchant.merchant_id, domain::merchant::Mode::Test).await?;
    let explain = format!("explain select id from waiting_deliveries('{endpoint}', 1000)");
    let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
        .fetch_all(&mut *tx)
        .await?;
    let plan = plan.join("\n");
    ensure!(plan.contains("deliveries_waiting"), "{plan}");
    ensure!(!plan.contains("Seq Scan"), "{plan}");
    Ok(())
}
