//! Plans that Postgres makes while the tables are empty, and keeps.

mod large;

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{Gateway, cards, until};

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
