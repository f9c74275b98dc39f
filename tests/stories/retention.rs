//! What the scheduler deletes when it has expired.

use std::time::Duration;

use anyhow::Result;
use tests::{Gateway, Process, cards, until};

const SOON: Duration = Duration::from_secs(10);

/// Makes rows that have expired, and counts them.
const EXPIRED: [(&str, &str); 7] = [
    (
        "insert into idempotency_keys (merchant_id, live, key, fingerprint, subject_id, created_at)
         select id, false, 'expired', '', id, now() - interval '25 hours' from merchants limit 1",
        "select count(*) from idempotency_keys where created_at < now() - interval '24 hours'",
    ),
    (
        "insert into access_tokens (hash, client_id, expires_at)
         select sha256(id::bytea), id, now() - interval '25 hours' from api_clients limit 1",
        "select count(*) from access_tokens where expires_at < now() - interval '24 hours'",
    ),
    (
        "insert into rate_windows (subject, surface, minute, hits)
         select id, 'paygate', now() - interval '1 hour', 1 from merchants limit 1",
        "select count(*) from rate_windows where minute < now() - interval '10 minutes'",
    ),
    (
        "insert into card_declines (fingerprint, live, hour, merchant_id, declines)
         select '', false, now() - interval '26 hours', id, 1 from merchants limit 1",
        "select count(*) from card_declines where hour < now() - interval '25 hours'",
    ),
    (
        "insert into merchant_attempts (merchant_id, live, minute, tries, declines)
         select id, false, now() - interval '12 minutes', 1, 1 from merchants limit 1",
        "select count(*) from merchant_attempts where minute < now() - interval '11 minutes'",
    ),
    (
        "insert into address_attempts (address, live, minute, tries, declines)
         values ('', false, now() - interval '62 minutes', 1, 1)",
        "select count(*) from address_attempts where minute < now() - interval '61 minutes'",
    ),
    (
        "insert into risk_verdicts (rule, merchant_id, live, tries, declines, at)
         select 'merchant', id, false, 50, 50, now() - interval '91 days' from merchants limit 1",
        "select count(*) from risk_verdicts where at < now() - interval '90 days'",
    ),
];

#[tokio::test]
async fn expired_rows_are_deleted() -> Result<()> {
    let gateway = Gateway::start().await?;
    let kept = gateway.pay_with_key(cards::APPROVED, "kept").await?;
    assert_eq!(kept.status, 200);
    for (insert, _) in EXPIRED {
        let inserted = sqlx::query(insert).execute(gateway.database()).await?;
        assert_eq!(inserted.rows_affected(), 1, "{insert}");
    }
    // It deletes once a minute, and first when it starts.
    gateway.terminate(Process::Scheduler).await?;
    gateway.launch(&[Process::Scheduler]).await?;
    for (_, count) in EXPIRED {
        until("expired rows are deleted", SOON, async || {
            let left: i64 = sqlx::query_scalar(count)
                .fetch_one(gateway.database())
                .await?;
            Ok((left == 0).then_some(()))
        })
        .await?;
    }
    assert_eq!(gateway.count("idempotency_keys").await?, 1);
    gateway.finish().await
}
