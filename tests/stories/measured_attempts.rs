//! An attempt that still needs the card worker is measured although its payment has ended.

use std::time::Duration;

use anyhow::Result;
use tests::{Gateway, Process, cards, payment_id, until};

/// An attempt that has waited for an hour, with its job.
const WAITS: &str = "
    with attempt as (
        insert into authorizations (id, payment_id, attempt, state, acquirer, updated_at)
        values (gen_random_uuid(), $1, 2, 'watching', 'sandbox', now() - interval '1 hour'))
    insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
    select 'card', id, id, merchant_id, live, now() + interval '1 hour' from payments where id = $1";
const ENDS: &str = "
    with attempt as (delete from authorizations where payment_id = $1 and attempt = 2)
    delete from jobs where id = $1";

/// The age of the oldest payment in progress, in seconds.
async fn oldest(gateway: &Gateway) -> Result<Option<f64>> {
    let address = gateway.internal_address(Process::Scheduler);
    let metrics = reqwest::get(format!("http://{address}/metrics")).await?;
    let metrics = metrics.text().await?;
    let series = r#"sluice_in_progress_oldest_seconds{object="payment"} "#;
    let value = metrics.lines().find_map(|line| line.strip_prefix(series));
    Ok(value.map(str::parse).transpose()?)
}

#[tokio::test]
async fn an_attempt_of_an_ended_payment_is_measured() -> Result<()> {
    let gateway = Gateway::start().await?;
    let paid = gateway.pay(cards::APPROVED).await?;
    let id = payment_id(paid.at("/id"))?;
    gateway.drain().await?;
    gateway.terminate(Process::Card).await?;
    for (sql, is_measured) in [(WAITS, true), (ENDS, false)] {
        let query = sqlx::query(sql).bind(id);
        query.execute(gateway.database()).await?;
        until("the age is measured", Duration::from_secs(40), async || {
            let oldest = oldest(&gateway).await?;
            let found = oldest.map(|oldest| oldest >= 3_600.0);
            Ok((found == Some(is_measured)).then_some(()))
        })
        .await?;
    }
    gateway.launch(&[Process::Card]).await?;
    gateway.finish().await
}
