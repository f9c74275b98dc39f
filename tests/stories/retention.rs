//! What the scheduler deletes when it has expired.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use store::retention::{BATCH, RULES};
use tests::{Gateway, Process, cards, until};

const SOON: Duration = Duration::from_secs(20);

/// Makes rows that have expired, and counts what is left of them: by table, in the order in which the rows
/// can be made.
const EXPIRED: [(&str, &str, &str); 12] = [
    (
        "idempotency_keys",
        "insert into idempotency_keys (merchant_id, live, key, fingerprint, subject_id, created_at)
         select id, false, 'expired ' || n, '', id, now() - interval '25 hours'
         from (select id from merchants limit 1) m, generate_series(1, $1) n",
        "created_at < now() - interval '24 hours'",
    ),
    (
        "access_tokens",
        "insert into access_tokens (hash, client_id, expires_at)
         select sha256((id || n)::bytea), id, now() - interval '25 hours'
         from (select id from api_clients limit 1) c, generate_series(1, $1) n",
        "expires_at < now() - interval '24 hours'",
    ),
    (
        "rate_windows",
        "insert into rate_windows (subject, surface, minute, hits)
         select gen_random_uuid(), 'paygate', now() - interval '1 hour', 1 from generate_series(1, $1)",
        "minute < now() - interval '10 minutes'",
    ),
    (
        "sealed_cards",
        "with payment as (
             insert into payments (id, merchant_id, live, state, amount, currency, exponent, method)
             select gen_random_uuid(), id, false, 'created', 1, 'USD', 2, 'card'
             from (select id from merchants limit 1) m, generate_series(1, $1)
             returning id)
         insert into sealed_cards (payment_id, key_id, sealed, created_at)
         select c.id, k.id, '', now() - interval '25 hours'
         from payment c, (select id from sealing_keys limit 1) k",
        "created_at < now() - interval '24 hours'",
    ),
    (
        "webhook_endpoints",
        "insert into webhook_endpoints (id, merchant_id, live, surface, url, events, status, updated_at)
         select gen_random_uuid(), id, false, 'paygate', 'https://gone.example', '{*}', 'deleted',
                now() - interval '31 days'
         from (select id from merchants limit 1) m, generate_series(1, $1)",
        "status = 'deleted'",
    ),
    (
        "events",
        "insert into events (id, merchant_id, live, type, subject, subject_id, data, data_version)
         select overlay(first_id_at(now() - interval '31 days')::text placing lpad(to_hex(n), 12, '0') from 25)::uuid,
                id, false, 'customer.created', 'customer', id, '{}', 1
         from (select id from merchants limit 1) m, generate_series(1, $1) n",
        "id < first_id_at(now() - interval '30 days')",
    ),
    (
        "deliveries",
        "insert into deliveries (id, event_id, endpoint_id, state)
         select gen_random_uuid(), e.id, w.id, 'exhausted'
         from (select id from events order by id limit $1) e,
              (select id from webhook_endpoints order by id limit 1) w",
        "state = 'exhausted'",
    ),
    (
        "delivery_attempts",
        "insert into delivery_attempts (delivery_id, attempt, duration_ms)
         select id, 1, 0 from deliveries where state = 'exhausted' limit $1",
        "true",
    ),
    (
        "card_declines",
        "insert into card_declines (fingerprint, live, hour, merchant_id, declines)
         select '', false, now() - n * interval '26 hours', id, 1
         from (select id from merchants limit 1) m, generate_series(1, $1) n",
        "hour < now() - interval '25 hours'",
    ),
    (
        "merchant_attempts",
        "insert into merchant_attempts (merchant_id, live, minute, tries, declines)
         select id, false, now() - n * interval '12 minutes', 1, 1
         from (select id from merchants limit 1) m, generate_series(1, $1) n",
        "minute < now() - interval '11 minutes'",
    ),
    (
        "address_attempts",
        "insert into address_attempts (address, live, minute, tries, declines)
         select '', false, now() - n * interval '62 minutes', 1, 1 from generate_series(1, $1) n",
        "minute < now() - interval '61 minutes'",
    ),
    (
        "risk_verdicts",
        "insert into risk_verdicts (rule, merchant_id, live, tries, declines, at)
         select 'merchant', id, false, 50, 50, now() - interval '91 days'
         from (select id from merchants limit 1) m, generate_series(1, $1) n",
        "at < now() - interval '90 days'",
    ),
];

/// Starts the scheduler again: it deletes once a minute, and first when it starts.
async fn restart_scheduler(gateway: &Gateway) -> Result<()> {
    gateway.terminate(Process::Scheduler).await?;
    gateway.launch(&[Process::Scheduler]).await
}

async fn left(gateway: &Gateway, table: &str, expired: &str) -> Result<i64> {
    let query = format!("select count(*) from {table} where {expired}");
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query));
    Ok(query.fetch_one(gateway.database()).await?)
}

#[tokio::test]
async fn expired_rows_are_deleted() -> Result<()> {
    let ruled: BTreeSet<&str> = RULES.iter().map(|rule| rule.table).collect();
    let tested: BTreeSet<&str> = EXPIRED.iter().map(|(table, ..)| *table).collect();
    assert_eq!(ruled, tested);
    let gateway = Gateway::start().await?;
    let kept = gateway.pay_with_key(cards::APPROVED, "kept").await?;
    assert_eq!(kept.status, 200);
    // More than one statement deletes.
    let more = BATCH + 10;
    for (table, insert, _) in EXPIRED {
        let inserted = sqlx::query(insert).bind(more);
        let inserted = inserted.execute(gateway.database()).await?;
        assert_eq!(inserted.rows_affected(), more.unsigned_abs(), "{table}");
    }
    // One delivery of an expired event is still in progress.
    let pending = "update deliveries set state = 'delivering'
                   where id = (select min(id::text)::uuid from deliveries)";
    sqlx::query(pending).execute(gateway.database()).await?;
    restart_scheduler(&gateway).await?;
    for (table, _, expired) in EXPIRED {
        let kept = i64::from(["webhook_endpoints", "events", "delivery_attempts"].contains(&table));
        until(&format!("expired {table} are deleted"), SOON, async || {
            let left = left(&gateway, table, expired).await?;
            ensure!(left >= kept, "{table}: {left} are left");
            Ok((left == kept).then_some(()))
        })
        .await?;
    }
    assert_eq!(gateway.count("idempotency_keys").await?, 1);
    for clean in [
        "delete from delivery_attempts",
        "delete from deliveries",
        "alter table events disable trigger user; delete from events where id < first_id_at(now() - interval '30 days');
         alter table events enable trigger user",
        "delete from payments where state = 'created'",
    ] {
        sqlx::raw_sql(clean).execute(gateway.database()).await?;
    }
    gateway.finish().await
}

/// A rule whose statement fails delays no other.
#[tokio::test]
async fn a_table_that_cannot_be_read_stops_no_other_rule() -> Result<()> {
    let gateway = Gateway::start().await?;
    for (_, insert, _) in EXPIRED {
        let inserted = sqlx::query(insert).bind(1_i64);
        inserted.execute(gateway.database()).await?;
    }
    let first = RULES.iter().map(|rule| rule.table).next();
    assert_eq!(first, Some("sealed_cards"));
    gateway
        .without_tables(&["sealed_cards"], async {
            restart_scheduler(&gateway).await?;
            for (table, _, expired) in EXPIRED {
                if table != "sealed_cards" {
                    until(&format!("expired {table} are deleted"), SOON, async || {
                        Ok((left(&gateway, table, expired).await? == 0).then_some(()))
                    })
                    .await?;
                }
            }
            Ok(())
        })
        .await?;
    let log = gateway.log(Process::Scheduler);
    assert!(log.contains("cannot delete expired rows"), "{log}");
    sqlx::query("delete from sealed_cards")
        .execute(gateway.database())
        .await?;
    sqlx::query("delete from payments where state = 'created'")
        .execute(gateway.database())
        .await?;
    gateway.finish().await
}
