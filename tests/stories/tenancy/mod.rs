//! The second safety net: what the database lets the API see and do, whatever its statements are.

mod days;
mod rows;

use anyhow::{Context, Result, ensure};
use sqlx::postgres::PgRow;
use sqlx::{Acquire, AssertSqlSafe, Executor, PgConnection, Row};
use store::Role;
use tests::{Gateway, cards};
use uuid::Uuid;

use self::rows::{fill, owners};

/// Tables without data of merchants.
const NOBODYS: [&str; 7] = [
    "_sqlx_migrations",
    "address_attempts",
    "blocklist",
    "rate_windows",
    "rates",
    "sealing_keys",
    "verify_result",
];

async fn run(db: &mut PgConnection, sql: String) -> std::result::Result<u64, sqlx::Error> {
    let mut inner = db.begin().await?;
    let done = inner.execute(AssertSqlSafe(sql)).await?;
    inner.rollback().await?;
    Ok(done.rows_affected())
}

async fn count(db: &mut PgConnection, table: &str) -> Result<i64> {
    let sql = format!("select count(*) from {table}");
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db).await?)
}

/// The tables, with whether they are under row-level security.
async fn tables(db: &mut PgConnection) -> Result<Vec<(String, bool)>> {
    let rows = sqlx::query(
        "select relname, relrowsecurity from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by relname",
    );
    let rows = rows.fetch_all(db).await?;
    let read = |row: &PgRow| Ok((row.try_get(0)?, row.try_get(1)?));
    rows.iter().map(read).collect()
}

async fn may(db: &mut PgConnection, role: Role, table: &str, what: &str) -> Result<bool> {
    let sql = match what {
        "delete" | "truncate" => "select has_table_privilege($1, $2, $3)",
        _ => "select has_any_column_privilege($1, $2, $3)",
    };
    let may = sqlx::query_scalar(sql).bind(role.name()).bind(table);
    Ok(may.bind(what).fetch_one(db).await?)
}

async fn become_role(db: &mut PgConnection, role: Role) -> Result<()> {
    let sql = format!("set local role {}", role.name());
    db.execute(AssertSqlSafe(sql)).await?;
    Ok(())
}

async fn name(db: &mut PgConnection, merchant: Uuid, live: bool) -> Result<()> {
    let sql = sqlx::query("select act_for($1, $2)");
    sql.bind(merchant).bind(live).execute(db).await?;
    Ok(())
}

fn is_denied(result: &std::result::Result<u64, sqlx::Error>) -> bool {
    let error = result
        .as_ref()
        .err()
        .and_then(sqlx::Error::as_database_error);
    error.is_some_and(|error| error.code().as_deref() == Some("42501"))
}

#[tokio::test]
async fn every_table_shows_only_the_named_merchants_rows() -> Result<()> {
    let gateway = Gateway::start().await?;
    let owners = owners(&gateway);
    let mut tx = gateway.database().begin().await?;
    fill(&mut tx, &owners).await?;
    let mut seen = 0;
    for (table, is_guarded) in tables(&mut tx).await? {
        let table = table.as_str();
        ensure!(
            is_guarded != NOBODYS.contains(&table),
            "{table}: who may see it?"
        );
        if !is_guarded || !may(&mut tx, Role::Api, table, "select").await? {
            continue;
        }
        if table == "account_days" {
            days::sees_only_its_own(&mut tx, &owners).await?;
            continue;
        }
        let (all, rows) = (
            count(&mut tx, table).await?,
            owners.map(|(_, _, rows)| rows),
        );
        let each = all / rows.iter().sum::<i64>();
        ensure!(each > 0, "{table} is empty: nothing is proved about it");
        let mut sub = tx.begin().await?;
        become_role(&mut sub, Role::Api).await?;
        ensure!(
            count(&mut sub, table).await? == 0,
            "{table} is visible without a merchant"
        );
        for (merchant, live, rows) in owners {
            name(&mut sub, merchant, live).await?;
            let found = count(&mut sub, table).await?;
            ensure!(
                found == each * rows,
                "{table}: {found} of {all} rows for {rows}"
            );
        }
        sub.rollback().await?;
        seen += 1;
    }
    ensure!(seen >= 10, "only {seen} tables were looked at");
    tx.rollback().await?;
    gateway.finish().await
}

#[tokio::test]
async fn only_the_named_merchants_rows_can_be_changed() -> Result<()> {
    let gateway = Gateway::start().await?;
    let owners = owners(&gateway);
    let [(one, live, _), (other, ..), _] = owners;
    let mut tx = gateway.database().begin().await?;
    fill(&mut tx, &owners).await?;
    let columns = sqlx::query(
        "select table_name::text, column_name::text from information_schema.column_privileges
         where grantee = 'sluice_api' and privilege_type = 'UPDATE'
           and table_name not in ('address_attempts', 'rate_windows')",
    );
    let columns = columns.fetch_all(&mut *tx).await?;
    ensure!(columns.len() > 10, "the rights are not where they were");
    become_role(&mut tx, Role::Api).await?;
    for row in &columns {
        let (table, column): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        ensure!(
            !["id", "merchant_id", "live"].contains(&column.as_str())
                || table == "idempotency_keys",
            "{table}.{column} may be changed"
        );
        for (merchant, live, most) in owners {
            name(&mut tx, merchant, live).await?;
            // An intent is canceled once; others stay as they are.
            let value = if column == "canceled_at" {
                "now()"
            } else {
                &column
            };
            let sql = format!("update {table} set {column} = {value}");
            let changed = run(&mut tx, sql)
                .await
                .with_context(|| format!("{table}.{column}"))?;
            ensure!(
                i64::try_from(changed)? == most,
                "{table}.{column}: {changed} rows"
            );
        }
    }
    name(&mut tx, one, live).await?;
    for table in ["idempotency_keys", "jobs"] {
        ensure!(
            run(&mut tx, format!("delete from {table}")).await? == 1,
            "{table}"
        );
    }
    let moved = format!("update idempotency_keys set merchant_id = '{other}'");
    ensure!(
        is_denied(&run(&mut tx, moved).await),
        "a key was moved to another merchant"
    );
    let theirs = format!("'{other}', false");
    for (table, columns, values) in [
        (
            "customers",
            "id, merchant_id, live",
            format!("gen_random_uuid(), {theirs}"),
        ),
        (
            "idempotency_keys",
            "merchant_id, live, key, fingerprint, subject_id",
            format!("{theirs}, 'k', '', gen_random_uuid()"),
        ),
        (
            "refunds",
            "id, payment_id, merchant_id, live, state, amount",
            format!("gen_random_uuid(), gen_random_uuid(), {theirs}, 'refunding', 1"),
        ),
        (
            "events",
            "id, merchant_id, live, type, subject, subject_id, data, data_version",
            format!(
                "gen_random_uuid(), {theirs}, 'payment.succeeded', 'payment', gen_random_uuid(), '{{}}', 1"
            ),
        ),
        (
            "risk_verdicts",
            "merchant_id, live, rule, address, declines",
            format!("{theirs}, 'address_declines', 'x', 1"),
        ),
        (
            "webhook_endpoints",
            "id, merchant_id, live, surface, url, events",
            format!("gen_random_uuid(), {theirs}, 'paygate', 'https://x.example', '{{*}}'"),
        ),
    ] {
        let sql = format!("insert into {table} ({columns}) values ({values})");
        ensure!(
            is_denied(&run(&mut tx, sql).await),
            "{table} takes another's row"
        );
    }
    tx.rollback().await?;
    gateway.finish().await
}

#[tokio::test]
async fn the_roles_can_neither_bypass_nor_change_their_limits() -> Result<()> {
    let gateway = Gateway::start().await?;
    let mut tx = gateway.database().begin().await?;
    for role in [Role::Api, Role::Accept] {
        let is_plain: bool = sqlx::query_scalar(
            "select not (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolinherit
                         or rolreplication)
                    and rolcanlogin = (rolname = 'sluice_api')
                    -- The API takes on sluice_accept for some statements, and inherits nothing of it.
                    and not exists (select from pg_auth_members a
                                    where a.member = r.oid
                                      and (rolname, a.roleid::regrole::text)
                                          <> ('sluice_api', 'sluice_accept'))
                    and not exists (select from pg_class where relowner = r.oid)
             from pg_roles r where rolname = $1",
        )
        .bind(role.name())
        .fetch_one(&mut *tx)
        .await?;
        ensure!(is_plain, "{} is more than it must be", role.name());
        for (table, _) in tables(&mut tx).await? {
            ensure!(
                !may(&mut tx, role, &table, "truncate").await?,
                "{table} may be emptied"
            );
        }
        let mut sub = tx.begin().await?;
        become_role(&mut sub, role).await?;
        for sql in [
            "alter table payments disable row level security",
            "alter table payments disable trigger all",
            "drop policy payments_of_the_named_merchant on payments",
            "create policy mine on payments using (true)",
            "create table mine (id integer)",
            "alter role sluice_api bypassrls",
            "set session_replication_role = replica",
            "set row_security = off; select id from payments",
            "select from merchants",
            "select from api_keys",
            "select from authorizations",
            "select from sealed_cards",
            "update ledger_entries set amount = 1",
            "delete from payments",
            "update payments set state = 'captured'",
        ] {
            let done = run(&mut sub, sql.to_owned()).await;
            // Without a policy that could hide rows there is nothing to switch off.
            let is_open = role == Role::Accept && sql.starts_with("set row_security");
            ensure!(
                is_denied(&done) || is_open,
                "{}: {sql}: {done:?}",
                role.name()
            );
        }
        sub.rollback().await?;
    }
    for (table, _) in tables(&mut tx).await? {
        for what in ["update", "delete"] {
            let may = may(&mut tx, Role::Accept, &table, what).await?;
            ensure!(!may, "{what} of {table} while accepting");
        }
    }
    tx.rollback().await?;
    gateway.finish().await
}

#[tokio::test]
async fn a_query_without_its_condition_finds_no_other_merchants_rows() -> Result<()> {
    let gateway = Gateway::start().await?;
    let paid = gateway.pay(cards::APPROVED).await?;
    ensure!(paid.status == 200, "{}", paid.text);
    let db = store::connect(Role::Api, &gateway.role_url(Role::Api)?, 2)?;
    let [(one, live, _), (other, ..), _] = owners(&gateway);
    let found = async |merchant: Uuid, live: bool| -> Result<i64> {
        let sql = "select count(*) from payments where (select act_for($1, $2))";
        let count = sqlx::query_scalar(sql).bind(merchant).bind(live);
        Ok(count.fetch_one(&db).await?)
    };
    ensure!(found(one, live).await? == 1, "its own is not found");
    ensure!(found(other, live).await? == 0, "another's is found");
    ensure!(
        found(one, true).await? == 0,
        "a test payment is found in live mode"
    );
    // What was named is forgotten with its transaction, on every connection.
    let unnamed = "select count(*) from payments";
    for _ in 0..4 {
        let count: i64 = sqlx::query_scalar(unnamed).fetch_one(&db).await?;
        ensure!(count == 0, "a name outlived its transaction");
    }
    let role: String = sqlx::query_scalar("select current_user::text")
        .fetch_one(&db)
        .await?;
    ensure!(role == "sluice_api", "{role}");
    gateway.finish().await
}

#[tokio::test]
async fn an_intents_id_shows_the_intent_and_nothing_else() -> Result<()> {
    let gateway = Gateway::start().await?;
    let owners = owners(&gateway);
    let mut tx = gateway.database().begin().await?;
    fill(&mut tx, &owners).await?;
    let sql = "select id from intents limit 1";
    let id: Uuid = sqlx::query_scalar(sql).fetch_one(&mut *tx).await?;
    become_role(&mut tx, Role::Api).await?;
    let naming = sqlx::query("select by_public_id($1)").bind(id);
    naming.execute(&mut *tx).await?;
    let seen: Vec<Uuid> = sqlx::query_scalar("select id from intents")
        .fetch_all(&mut *tx)
        .await?;
    ensure!(seen == [id], "{seen:?}");
    for table in [
        "payments",
        "customers",
        "ledger_entries",
        "webhook_endpoints",
    ] {
        ensure!(count(&mut tx, table).await? == 0, "{table}");
    }
    let cancel = "update intents set canceled_at = now()".to_owned();
    ensure!(run(&mut tx, cancel).await? == 0, "a holder has canceled it");
    tx.rollback().await?;
    gateway.finish().await
}
