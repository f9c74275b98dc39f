//! `sluice verify` over a million payments beside a hundred thousand: time, memory, transactions.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sqlx::AssertSqlSafe;
use store::{PgPool, Role};
use tests::{Gateway, binary};
use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::figures::Figure;

const FEW: u32 = 100_000;
const MANY: u32 = 1_000_000;
/// How many payments one transaction makes.
const MADE_AT_ONCE: u32 = 50_000;
/// How often memory and transactions are read.
const POLL: Duration = Duration::from_millis(50);

/// What one run took.
struct Run {
    seconds: f64,
    /// The most resident memory, in MiB.
    memory: f64,
    /// The longest transaction, in seconds.
    transaction: f64,
}

/// Fills a gateway of its own and compares everything, twice.
pub async fn figures() -> Result<Vec<Figure>> {
    let gateway = Gateway::start().await?;
    let db = store::connect_owner(&gateway.database_url())?;
    let merchant = gateway.merchant.merchant_id.0;
    let endpoint = prepare(&db, merchant).await?;
    fill(&db, merchant, endpoint, 1, FEW).await?;
    let few = run(&gateway, &db).await?;
    fill(&db, merchant, endpoint, FEW + 1, MANY).await?;
    let many = run(&gateway, &db).await?;
    let per_payment = |run: &Run, payments: u32| run.seconds / f64::from(payments);
    let growth = per_payment(&many, MANY) / per_payment(&few, FEW);
    Ok(vec![
        Figure::at_most("verify: a million payments (s)", vec![many.seconds], 120.0),
        Figure::at_most(
            "verify: time per payment, 1,000,000 over 100,000",
            vec![growth],
            1.2,
        ),
        Figure::at_most("verify: peak memory (MiB)", vec![many.memory], 64.0),
        Figure::at_most(
            "verify: longest transaction (s)",
            vec![many.transaction],
            2.0,
        ),
    ])
}

/// A merchant with a fee of 3 %, and an endpoint that was there before all events.
async fn prepare(db: &PgPool, merchant: Uuid) -> Result<Uuid> {
    sqlx::query("update merchants set fee_basis_points = 300 where id = $1")
        .bind(merchant)
        .execute(db)
        .await?;
    let endpoint = "
        insert into webhook_endpoints (id, merchant_id, live, surface, url, events, event_types, updated_at)
        values (gen_random_uuid(), $1, false, 'paygate', 'https://example.com/', '{*}',
                '{payment.succeeded,payment.failed}', now() - interval '30 days')
        returning id";
    Ok(sqlx::query_scalar(endpoint)
        .bind(merchant)
        .fetch_one(db)
        .await?)
}

async fn fill(db: &PgPool, merchant: Uuid, endpoint: Uuid, from: u32, to: u32) -> Result<()> {
    let mut first = from;
    while first <= to {
        let last = to.min(first + MADE_AT_ONCE - 1);
        let made = include_str!("verify.sql")
            .replace("{from}", &first.to_string())
            .replace("{to}", &last.to_string())
            .replace("{merchant}", &merchant.to_string())
            .replace("{endpoint}", &endpoint.to_string());
        let mut tx = db.begin().await?;
        let made = sqlx::raw_sql(AssertSqlSafe(made));
        made.execute(&mut *tx).await.context("filling")?;
        tx.commit().await?;
        first = last + 1;
    }
    sqlx::query("vacuum analyze").execute(db).await?;
    sqlx::query("checkpoint").execute(db).await?;
    Ok(())
}

async fn run(gateway: &Gateway, db: &PgPool) -> Result<Run> {
    let started = Instant::now();
    let mut sluice = Command::new(binary("sluice")?)
        .args(["verify", "--json"])
        .current_dir(gateway.directory())
        .env("DATABASE_URL", gateway.role_url(Role::Operator)?)
        .spawn()?;
    let (mut memory, mut transaction) = (0.0_f64, 0.0_f64);
    let status = loop {
        if let Some(status) = sluice.try_wait()? {
            break status;
        }
        memory = memory.max(peak_memory(&sluice).unwrap_or_default());
        let longest =
            "select coalesce(extract(epoch from max(clock_timestamp() - xact_start)), 0)::float8
                       from pg_stat_activity where application_name = 'sluice verify'";
        let longest: f64 = sqlx::query_scalar(longest).fetch_one(db).await?;
        transaction = transaction.max(longest);
        tokio::time::sleep(POLL).await;
    };
    ensure!(status.success(), "sluice verify: {status}");
    let seconds = started.elapsed().as_secs_f64();
    println!("verify: {seconds:.1} s, {memory:.1} MiB, longest transaction {transaction:.2} s");
    Ok(Run {
        seconds,
        memory,
        transaction,
    })
}

/// The most memory that a process has had, in MiB.
fn peak_memory(process: &Child) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()?)).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}
