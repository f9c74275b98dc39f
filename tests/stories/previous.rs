//! The statements of the version before work with this schema: `sluice migrate` runs while its processes
//! do. `tests/previous/statements.json` holds them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Column, Connection, Executor, SqlSafeStr, Statement as _, TypeInfo};
use store::Role;
use tests::Gateway;

/// A statement of the version before.
#[derive(Debug, Serialize, Deserialize)]
struct Statement {
    query: String,
    /// The roles that could run it.
    roles: Vec<String>,
    /// The names and types of its result.
    columns: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn recorded() -> PathBuf {
    root().join("tests/previous/statements.json")
}

async fn execute(db: &mut PgConnection, sql: String) -> sqlx::Result<()> {
    db.execute(AssertSqlSafe(sql)).await.map(drop)
}

/// The names and types of a statement's result.
async fn columns(db: &mut PgConnection, query: &str) -> sqlx::Result<Vec<String>> {
    let prepared = db.prepare(AssertSqlSafe(query).into_sql_str()).await?;
    let columns = prepared.columns().iter();
    Ok(columns
        .map(|column| format!("{} {}", column.name(), column.type_info().name()))
        .collect())
}

/// Plans a statement under a role, which checks the role's rights and runs nothing.
async fn plan(db: &mut PgConnection, role: Role, query: &str) -> sqlx::Result<()> {
    let role = role.name();
    execute(db, format!("reset role; deallocate all; set role {role}")).await?;
    execute(db, format!("prepare planned as {query}")).await?;
    let count =
        "select cardinality(parameter_types) from pg_prepared_statements where name = 'planned'";
    let count: i32 = sqlx::query_scalar(count)
        .persistent(false)
        .fetch_one(&mut *db)
        .await?;
    let nulls: Vec<&str> = (0..count).map(|_| "null").collect();
    let nulls = if nulls.is_empty() {
        String::new()
    } else {
        format!("({})", nulls.join(", "))
    };
    execute(db, format!("explain execute planned{nulls}")).await
}

async fn connect(gateway: &Gateway) -> Result<PgConnection> {
    let mut db = PgConnection::connect(&gateway.database_url()).await?;
    execute(
        &mut db,
        "set plan_cache_mode = force_generic_plan".to_owned(),
    )
    .await?;
    Ok(db)
}

/// When a version is released, this test with `WRITE_STATEMENTS=1` writes the file for the next version. A
/// role whose right to a statement is revoked on purpose is then deleted from the file by hand.
#[tokio::test]
async fn the_statements_of_the_version_before_work() -> Result<()> {
    let gateway = Gateway::start().await?;
    let mut db = connect(&gateway).await?;
    if std::env::var_os("WRITE_STATEMENTS").is_some() {
        let statements = serde_json::to_string_pretty(&recorded_now(&mut db).await?)?;
        fs::write(recorded(), statements + "\n")?;
    }
    let statements: Vec<Statement> = serde_json::from_slice(&fs::read(recorded())?)?;
    ensure!(statements.len() > 50, "{} statements", statements.len());
    let mut broken = Vec::new();
    for Statement {
        query,
        roles,
        columns: expected,
    } in &statements
    {
        execute(&mut db, "reset role".to_owned()).await?;
        match columns(&mut db, query).await {
            Ok(columns) if columns == *expected => {}
            Ok(columns) => broken.push(format!("{columns:?} and not {expected:?}: {query}")),
            Err(error) => broken.push(format!("{error}: {query}")),
        }
        for name in roles {
            let role = Role::ALL.into_iter().find(|role| role.name() == name);
            let role = role.with_context(|| name.clone())?;
            if let Err(error) = plan(&mut db, role, query).await {
                broken.push(format!("{name}: {error}: {query}"));
            }
        }
    }
    ensure!(broken.is_empty(), "{}", broken.join("\n\n"));
    gateway.finish().await
}

/// The statements of this version, for the next one.
async fn recorded_now(db: &mut PgConnection) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    for entry in fs::read_dir(root().join("shared/store/.sqlx"))? {
        let checked: Value = serde_json::from_slice(&fs::read(entry?.path())?)?;
        let query = checked.get("query").and_then(Value::as_str);
        let query = query.context("no query")?;
        execute(db, "reset role".to_owned()).await?;
        let columns = columns(db, query).await?;
        let mut roles = Vec::new();
        for role in Role::ALL {
            if plan(db, role, query).await.is_ok() {
                roles.push(role.name().to_owned());
            }
        }
        statements.push(Statement {
            query: query.to_owned(),
            roles,
            columns,
        });
    }
    statements.sort_by(|one, other| one.query.cmp(&other.query));
    Ok(statements)
}
