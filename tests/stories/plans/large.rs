//! The plans of all statements: on large tables, and on empty ones, where a bad plan costs nothing until
//! the tables have grown.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, mem};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use store::{LOOKUP_SETTINGS, Role};
use tests::Stores;
use uuid::Uuid;

/// Tables that grow with the payments.
const GROWING: [&str; 21] = [
    "access_tokens",
    "account_days",
    "address_attempts",
    "authorizations",
    "card_declines",
    "customers",
    "deliveries",
    "delivery_attempts",
    "events",
    "idempotency_keys",
    "intents",
    "jobs",
    "ledger_entries",
    "ledger_postings",
    "merchant_attempts",
    "payment_history",
    "payments",
    "refunds",
    "risk_verdicts",
    "sealed_cards",
    "webhook_endpoints",
];

/// Statements that read whole tables or indexes, by their beginnings, and why they may.
const MAY: [(&str, &str); 6] = [
    (
        "-- The events in a range of ids",
        "verify plans each range with its ids",
    ),
    (
        "delete from access_tokens where client_id",
        "an operator ends a client's tokens",
    ),
    (
        "select worker as \"worker!\", live as",
        "an index of parked jobs only, up to a limit",
    ),
    ("with job as ( select j.worker", "an operator lists jobs"),
    (
        "update jobs set parked_at = null",
        "an operator schedules parked jobs again",
    ),
    (
        "delete from sealing_keys",
        "rare; sealed cards are few, because they are destroyed after the authorization",
    ),
];

/// A file that sqlx writes about a statement.
#[derive(Deserialize)]
struct Prepared {
    query: String,
    describe: Describe,
}

#[derive(Deserialize)]
struct Describe {
    parameters: Parameters,
}

#[derive(Deserialize)]
struct Parameters {
    #[serde(rename = "Left")]
    types: Vec<Value>,
}

/// The plan reads whole tables or indexes here.
fn whole_scans(plan: &Value, found: &mut Vec<String>) {
    let text = |name: &str| plan[name].as_str().unwrap_or_default();
    let (node, table) = (text("Node Type"), text("Relation Name"));
    let is_bounded = !plan["Index Cond"].is_null() || !plan["Recheck Cond"].is_null();
    let is_scan = node.ends_with("Scan") && !is_bounded;
    if is_scan && GROWING.contains(&table) {
        found.push(format!("{node} {table} {}", text("Index Name")));
    }
    for child in plan["Plans"].as_array().into_iter().flatten() {
        whole_scans(child, found);
    }
}

/// Statements of the processes. The operator's read whole tables and run by hand.
fn statements() -> Result<Vec<Prepared>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/store/.sqlx");
    let mut all = Vec::new();
    for file in fs::read_dir(folder)? {
        all.push(serde_json::from_slice(&fs::read(file?.path())?)?);
    }
    all.sort_by(|a: &Prepared, b: &Prepared| a.query.cmp(&b.query));
    Ok(all)
}

async fn run(db: &mut PgConnection, sql: String) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}

/// What one row of `explain (format json)` says; `None` if the role may not run the statement.
async fn plan_of(db: &mut PgConnection, statement: &Prepared) -> Result<Option<Value>> {
    let nulls = vec!["null"; statement.describe.parameters.types.len()].join(", ");
    let arguments = if nulls.is_empty() {
        nulls
    } else {
        format!("({nulls})")
    };
    run(db, format!("prepare q as {}", statement.query)).await?;
    let explain = format!("explain (format json) execute q{arguments}");
    let explained = sqlx::raw_sql(AssertSqlSafe(explain))
        .fetch_one(&mut *db)
        .await;
    run(db, "deallocate q".to_owned()).await?;
    match explained {
        Ok(row) => {
            let text: String = row.try_get_unchecked(0)?;
            let plan: Value = serde_json::from_str(&text)?;
            Ok(Some(plan[0]["Plan"].clone()))
        }
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => Ok(None),
        Err(error) => Err(error).context(statement.query.clone()),
    }
}

/// The messages of the database, as sqlx logs them.
#[derive(Clone, Default)]
struct Messages(Arc<Mutex<Vec<u8>>>);

impl Write for Messages {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs the functions, and returns the statements inside with their plans.
async fn plans_of_functions(db: &mut PgConnection) -> Result<Vec<Value>> {
    let messages = Messages::default();
    let writer = messages.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let logging = tracing::subscriber::set_default(subscriber);
    let settings = "load 'auto_explain'; set auto_explain.log_min_duration = 0;
                    set auto_explain.log_nested_statements = on; set auto_explain.log_format = json;
                    set client_min_messages = log;";
    run(db, settings.to_owned()).await?;
    run(db, include_str!("functions.sql").to_owned()).await?;
    drop(logging);
    let bytes = mem::take(&mut *messages.0.lock().unwrap_or_else(PoisonError::into_inner));
    let lines = std::str::from_utf8(&bytes)?.lines().map(|line| {
        let line: Value = serde_json::from_str(line)?;
        let message = line["fields"]["message"].as_str().unwrap_or_default();
        let plan = message.split_once("plan:\n").map(|(_, plan)| plan);
        anyhow::Ok(plan.map(serde_json::from_str).transpose()?)
    });
    lines.filter_map(Result::transpose).collect()
}

#[tokio::test]
async fn no_statement_reads_a_whole_large_table() -> Result<()> {
    find_whole_scans(include_str!("rows.sql"), &[Role::Operator]).await
}

/// The tables that are empty now and then; the others grow.
const EMPTIED: &str = "analyze jobs, sealed_cards";
/// No foreign keys are checked, because the functions find no rows.
const UNCHECKED: &str = "set session_replication_role = replica";
/// A job that waits.
const ONE_JOB: &str = "insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
                       select 'webhook', id, id, id, false, now() from gen_random_uuid() id";

#[tokio::test]
async fn no_statement_is_planned_on_empty_tables_to_read_all_of_them() -> Result<()> {
    for rows in [
        UNCHECKED.to_owned(),
        format!("{UNCHECKED}; {EMPTIED}"),
        format!("{UNCHECKED}; {ONE_JOB}; {EMPTIED}"),
        format!("{UNCHECKED}; {EMPTIED}; {ONE_JOB}"),
    ] {
        // Each run of `sluice verify` makes its own plans, and ends before its tables have grown much.
        let roles = [Role::Operator, Role::Verify];
        find_whole_scans(&rows, &roles)
            .await
            .with_context(|| rows.clone())?;
    }
    Ok(())
}

/// Fails if a statement of a process reads a whole table after `rows` ran, except under these roles.
async fn find_whole_scans(rows: &str, except: &[Role]) -> Result<()> {
    let name = format!("plans{}", Uuid::now_v7().simple());
    let stores = Stores::shared()?;
    stores.make_database(&name).await?;
    let mut db = PgConnection::connect(stores.database_url(&name).as_str()).await?;
    run(&mut db, rows.to_owned()).await?;
    for (name, value) in LOOKUP_SETTINGS {
        run(&mut db, format!("set {name} = {value}")).await?;
    }
    run(
        &mut db,
        "set plan_cache_mode = force_generic_plan".to_owned(),
    )
    .await?;
    let (mut found, mut checked) = (Vec::new(), 0);
    for statement in statements()? {
        let one_line: Vec<_> = statement.query.split_whitespace().collect();
        let one_line = one_line.join(" ");
        if MAY
            .iter()
            .any(|(beginning, _)| one_line.starts_with(beginning))
        {
            continue;
        }
        for role in Role::ALL.into_iter().filter(|role| !except.contains(role)) {
            run(&mut db, format!("set role {}", role.name())).await?;
            let plan = plan_of(&mut db, &statement).await?;
            run(&mut db, "reset role".to_owned()).await?;
            let mut scans = Vec::new();
            whole_scans(&plan.unwrap_or_default(), &mut scans);
            checked += 1;
            found.extend(
                scans
                    .iter()
                    .map(|scan| format!("{} {scan}: {one_line}", role.name())),
            );
        }
    }
    let plans = plans_of_functions(&mut db).await?;
    ensure!(
        plans.len() > 20 && checked > 300,
        "{} {checked}",
        plans.len()
    );
    for plan in &plans {
        let mut scans = Vec::new();
        whole_scans(&plan["Plan"], &mut scans);
        found.extend(
            scans
                .iter()
                .map(|scan| format!("{scan}: {}", plan["Query Text"])),
        );
    }
    ensure!(found.is_empty(), "{found:#?}");
    db.close().await?;
    stores.drop_database(&name).await
}
