//! What the role of each process may read and write.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use sqlx::AssertSqlSafe;
use store::{PgPool, Role};
use tests::Gateway;

/// Statements that each role is refused.
const REFUSED: [(Role, &[&str]); 8] = [
    (
        Role::Api,
        &[
            "select sealed from sealed_cards",
            "select hash from api_keys",
            "update payments set state = 'captured'",
            "update delivery_attempts set response = ''",
            "update webhook_endpoints set last_error = ''",
            "select tries from merchant_attempts",
            "select declines from card_declines",
            "select rule from risk_verdicts",
        ],
    ),
    (
        Role::Accept,
        &["select amount from payments", "delete from payments"],
    ),
    (
        Role::Scheduler,
        &[
            "select amount from payments",
            "select sealed from sealed_cards",
            "select body from idempotency_keys",
            "select data from events",
            "select body from deliveries",
            "select url from webhook_endpoints",
            "delete from jobs",
            "delete from payments",
            "delete from refunds",
            "select declines from card_declines",
            "select rule from risk_verdicts",
        ],
    ),
    (
        Role::Card,
        &[
            "select url from webhook_endpoints",
            "select hash from api_keys",
            "update payments set amount = 1",
            "delete from payments",
            "update refunds set state = 'failed'",
            "select tries from address_attempts",
            "update risk_verdicts set declines = 0",
        ],
    ),
    (
        Role::Refund,
        &[
            "select sealed from sealed_cards",
            "select url from webhook_endpoints",
            "update payments set state = 'failed'",
        ],
    ),
    (
        Role::Webhook,
        &[
            "select id from payments",
            "select sealed from sealed_cards",
            "select state from authorizations",
            "select id from customers",
            "select hash from api_keys",
            "update deliveries set endpoint_id = id",
            "insert into webhook_endpoints default values",
        ],
    ),
    (
        Role::Operator,
        &[
            "select sealed from sealed_cards",
            "update payments set state = 'captured'",
            "delete from ledger_entries",
            "delete from jobs",
            "delete from risk_verdicts",
        ],
    ),
    (
        Role::Verify,
        &[
            "select sealed from sealed_cards",
            "select hash from api_keys",
            "select email from customers",
            "select body from idempotency_keys",
            "insert into merchants (id, name, fee_basis_points) values (gen_random_uuid(), 'a', 0)",
            "update jobs set parked_at = null",
            "update payments set state = 'captured'",
        ],
    ),
];

async fn run(db: &PgPool, sql: &'static str) -> sqlx::Result<u64> {
    Ok(sqlx::query(AssertSqlSafe(sql))
        .execute(db)
        .await?
        .rows_affected())
}

#[tokio::test]
async fn each_role_is_refused_what_its_process_does_not_need() -> Result<()> {
    let gateway = Gateway::start().await?;
    let roles: Vec<Role> = REFUSED.iter().map(|(role, _)| *role).collect();
    assert_eq!(roles, Role::ALL);
    for (role, statements) in REFUSED {
        let db = store::connect(role, &gateway.role_url(role)?, 1)?;
        let user: String = sqlx::query_scalar("select current_user::text")
            .fetch_one(&db)
            .await?;
        assert_eq!(user, role.name());
        for sql in statements {
            let error = run(&db, sql)
                .await
                .err()
                .with_context(|| format!("{user}: {sql}"))?;
            let code = error
                .as_database_error()
                .and_then(sqlx::error::DatabaseError::code);
            ensure!(code.as_deref() == Some("42501"), "{user}: {sql}: {error}");
        }
        db.close().await;
    }
    gateway.finish().await
}

/// Ledger, history and events are written once, whoever writes.
#[tokio::test]
async fn no_role_changes_what_is_written_once() -> Result<()> {
    let gateway = Gateway::start().await?;
    for role in Role::ALL {
        let db = store::connect(role, &gateway.role_url(role)?, 1)?;
        for sql in [
            "update ledger_entries set amount = 1",
            "update ledger_postings set kind = 'hold'",
            "update payment_history set state = 'failed'",
            "update events set data = '{}'",
            "update risk_verdicts set declines = 0",
            "delete from ledger_postings",
            "delete from payment_history",
            "delete from events",
        ] {
            // It deletes events that have expired.
            if role == Role::Scheduler && sql == "delete from events" {
                continue;
            }
            ensure!(run(&db, sql).await.is_err(), "{}: {sql}", role.name());
        }
        db.close().await;
    }
    gateway.finish().await
}

/// A process has one role's rights, and the owner's login is used by `sluice migrate` alone.
#[tokio::test]
async fn each_process_logs_in_as_its_role() -> Result<()> {
    let gateway = Gateway::start().await?;
    gateway.operate(&["jobs", "list"]).await?;
    let query = "select distinct application_name, usename::text from pg_stat_activity
                 where datname = current_database() and application_name like 'sluice %'";
    let logins: Vec<(String, String)> = sqlx::query_as(query).fetch_all(gateway.database()).await?;
    let ours = logins.iter().filter(|(name, _)| name != "sluice migrate");
    let ours: BTreeMap<&str, &str> = ours.map(|(name, user)| (&**name, &**user)).collect();
    let expected = ["api", "card", "refund", "scheduler", "webhook"]
        .map(|name| (format!("sluice {name}"), format!("sluice_{name}")));
    let expected = expected.iter().map(|(name, user)| (&**name, &**user));
    assert_eq!(ours, expected.collect());
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Api) {
        let db = store::connect(role, &gateway.role_url(Role::Card)?, 1)?;
        let is_card = role == Role::Card;
        assert_eq!(store::ping(&db).await.is_ok(), is_card, "{}", role.name());
    }
    gateway.finish().await
}

/// What accepting payments reads of existing rows, by column.
const READABLE: [&str; 6] = [
    "customers: created_at, email, id, live, merchant_id",
    "deliveries: event_id, id",
    "events: id, live, merchant_id, type",
    "idempotency_keys: body, created_at, fingerprint, key, live, merchant_id, status, subject_id",
    "payments: created_at, customer_id, id",
    "webhook_endpoints: event_types, id, live, merchant_id, paused_until, status",
];

#[tokio::test]
async fn accepting_payments_reads_only_these_columns() -> Result<()> {
    let gateway = Gateway::start().await?;
    let query =
        "select format('%s: %s', table_name, string_agg(column_name, ', ' order by column_name))
         from information_schema.column_privileges
         where grantee = 'sluice_accept' and privilege_type = 'SELECT'
         group by table_name order by table_name";
    let readable: Vec<String> = sqlx::query_scalar(query)
        .fetch_all(gateway.database())
        .await?;
    ensure!(readable == READABLE, "{readable:#?}");
    gateway.finish().await
}
