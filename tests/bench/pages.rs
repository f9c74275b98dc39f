//! H8: the last page of a million payments beside the first one.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::Gateway;
use uuid::Uuid;

use crate::Plan;
use crate::figures::{Figure, ratios};
use crate::load::Load;

/// How many payments one merchant has.
const PAYMENTS: i64 = 1_000_000;
/// How many a page shows, the most there may be.
const LIMIT: i64 = 100;
/// Who reads pages at the same time.
const CLIENTS: usize = 8;

/// Payments without a card, one a millisecond, each with its history and its job: as if they had
/// been accepted. A version 7 id begins with the millisecond it was made in.
const FILL: &str = "
    with numbered as (
        select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint - $2 + n), 12, '0')
                || '70008' || lpad(to_hex(n), 15, '0'))::uuid as id,
               now() + (n - $2) * interval '1 millisecond' as at
        from generate_series(1, $2) n
    ), made as (
        insert into payments (id, merchant_id, live, state, amount, currency, exponent, method,
                              description, expires_at, created_at, updated_at)
        select id, $1, false, 'created', 50, 'USD', 2, 'card', 'Order',
               at + interval '24 hours', at, at
        from numbered
        returning id, expires_at, created_at
    ), history as (
        insert into payment_history (payment_id, version, event, state, at)
        select id, 0, 'created', 'created', created_at from made
    )
    insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
    select 'card', id, id, $1, false, expires_at from made";

/// Fills a gateway of its own and reads pages, from both ends of the list in turns.
pub async fn figure(plan: &Plan) -> Result<Figure> {
    let gateway = Gateway::start().await?;
    fill(&gateway).await?;
    let load = Load::new(&gateway);
    let first = format!("/v1/transactions?limit={LIMIT}");
    let after = last_but(&gateway, LIMIT).await?;
    let last = format!("{first}&starting_after={after}");
    let seen = gateway.get(&last).await?;
    let (data, more) = (seen.body.pointer("/data"), seen.body.pointer("/has_more"));
    let shown = data.and_then(Value::as_array).map(Vec::len);
    let is_last = shown == usize::try_from(LIMIT).ok() && more == Some(&Value::Bool(false));
    ensure!(is_last, "{}", seen.text);
    let read = async |path: &str| {
        let done = load.page(CLIENTS, plan.block(), path).await?;
        Ok(done.per_second)
    };
    let ours = async || read(&last).await;
    let baseline = async || read(&first).await;
    let page = PAYMENTS / LIMIT;
    let ratios = ratios(
        &format!("page {page}/s"),
        "page 1/s",
        plan.pairs,
        ours,
        baseline,
    )
    .await?;
    gateway.finish().await?;
    Ok(Figure::at_least(
        "H8 pages/s, page 10,000 over page 1",
        ratios,
        0.91,
    ))
}

async fn fill(gateway: &Gateway) -> Result<()> {
    // An operator's connection: the statement takes longer than a request may.
    let db = store::connect_owner(&gateway.database_url())?;
    sqlx::query(FILL)
        .bind(gateway.merchant.merchant_id.0)
        .bind(PAYMENTS)
        .execute(&db)
        .await
        .context("filling")?;
    sqlx::query("vacuum analyze").execute(&db).await?;
    Ok(())
}

/// The payment after which only `rest` are left.
async fn last_but(gateway: &Gateway, rest: i64) -> Result<domain::id::PaymentId> {
    let id: Uuid =
        sqlx::query_scalar("select id from payments order by created_at offset $1 limit 1")
            .bind(rest)
            .fetch_one(gateway.database())
            .await?;
    Ok(domain::id::PaymentId(id))
}
