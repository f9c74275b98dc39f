//! Rows that cannot be read, and writers whose lease has passed.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::job::{Job, Worker};
use store::batch::Batch;
use store::jobs::{self, Claim, ClaimRequest, Lease, Reschedule};
use store::payments::CardPayment;
use store::{PgPool, Role};
use tests::{Options, Process, cards, payment_id, until};
use uuid::Uuid;

use crate::proxy::Gate;
use crate::scene::{LEASE, SOON, Scene};

/// A scene whose card worker does not run.
async fn without_card_worker() -> Result<Scene> {
    let scene = Scene::with(Options {
        wait_ms: 50,
        rate_limit: Some(1_000),
        ..Options::default()
    })
    .await?;
    scene.gateway.terminate(Process::Card).await?;
    Ok(scene)
}

async fn set_brand(db: &PgPool, payment: &str, brand: &str) -> Result<()> {
    let query = sqlx::query("update payments set card_brand = $2 where id = $1");
    let done = query.bind(payment_id(payment)?).bind(brand).execute(db);
    ensure!(done.await?.rows_affected() == 1);
    Ok(())
}

#[tokio::test]
async fn a_row_that_cannot_be_read_gives_up_alone() -> Result<()> {
    let scene = without_card_worker().await?;
    let mut payments = Vec::new();
    for _ in 0..64 {
        payments.push(scene.pay_pending(cards::APPROVED).await?);
    }
    let unreadable = payments.get(31).context("64 payments")?.clone();
    let db = scene.gateway.database();
    set_brand(db, &unreadable, "nosuch").await?;
    scene.gateway.launch(&[Process::Card]).await?;
    until("63 payments are captured", SOON, async || {
        let payments = scene.gateway.payments().await?.into_iter();
        let captured = payments.filter(|payment| payment.state == "captured");
        Ok((captured.count() == 63).then_some(()))
    })
    .await?;
    until("the job is parked", SOON, async || {
        let job = scene.gateway.job_of(&unreadable).await?;
        Ok(job.is_parked.then_some(()))
    })
    .await?;
    let job = scene.gateway.job_of(&unreadable).await?;
    assert_eq!(
        job.error.as_deref(),
        Some("a row of payments cannot be read")
    );
    // Its neighbours used one attempt each, and it used none.
    for payment in &payments {
        let attempts = scene.gateway.attempts(payment).await?;
        let expected = usize::from(*payment != unreadable);
        assert_eq!(attempts.len(), expected, "{payment}: {attempts:?}");
    }
    assert_eq!(scene.gateway.sandbox_log()?.len(), 63 * 2);
    set_brand(db, &unreadable, "visa").await?;
    let id = payment_id(&unreadable)?.to_string();
    scene.gateway.operate(&["jobs", "redrive", &id]).await?;
    scene.gateway.drain().await?;
    let number = sqlx::query_scalar("select attempt from authorizations where payment_id = $1");
    let number: i16 = number.bind(payment_id(&unreadable)?).fetch_one(db).await?;
    assert_eq!(number, 1, "the unsent attempt's number is used again");
    scene.finish().await
}

/// The connection and the claims of a card worker.
fn as_card_worker(scene: &Scene) -> Result<(PgPool, Batch<Claim<CardPayment>>)> {
    let db = store::connect(Role::Card, &scene.gateway.role_url(Role::Card)?, 4)?;
    let claims = Batch::start(&db);
    Ok((db, claims))
}

fn request(lease: Lease) -> ClaimRequest {
    ClaimRequest {
        lease,
        session: None,
        lasts: Duration::from_secs(20),
    }
}

/// A job's lease and sequence.
async fn held(db: &PgPool, id: Uuid) -> Result<(Option<Uuid>, i64)> {
    let query = sqlx::query_as("select lease, seq from jobs where id = $1");
    Ok(query.bind(id).fetch_one(db).await?)
}

async fn reschedule(db: &PgPool, lease: Lease, after: Duration) -> store::Result<Option<Job>> {
    let batch = Batch::<Reschedule>::start(db);
    batch.run(Reschedule { lease, after }).await
}

#[tokio::test]
async fn a_writer_whose_lease_has_passed_changes_nothing() -> Result<()> {
    let scene = without_card_worker().await?;
    let payment = scene.pay_pending(cards::APPROVED).await?;
    let id = payment_id(&payment)?;
    let (db, claims) = as_card_worker(&scene)?;
    let job = Job {
        seq: held(&db, id).await?.1,
        ..scene.gateway.job_of(&payment).await?.job
    };
    let late = Lease::new(job, Uuid::now_v7());
    ensure!(claims.run(request(late)).await?.is_some(), "not claimed");
    let other = Lease::new(job, Uuid::now_v7());
    ensure!(claims.run(request(other)).await?.is_none(), "claimed twice");
    scene.gateway.advance(LEASE).await?;
    ensure!(
        claims.run(request(other)).await?.is_some(),
        "not claimed again"
    );

    let before = held(&db, id).await?;
    assert_eq!(before, (Some(other.token), job.seq));
    jobs::record_failure(&db, late, "too late").await?;
    jobs::park(&db, late, "too late").await?;
    jobs::complete(&db, late).await?;
    let next = reschedule(&db, late, Duration::from_mins(1)).await?;
    assert_eq!(next, None);
    assert_eq!(held(&db, id).await?, before);

    let next = reschedule(&db, other, Duration::ZERO).await?;
    assert_eq!(next.map(|job| job.seq), Some(job.seq + 1));
    assert_eq!(held(&db, id).await?, (None, job.seq + 1));
    drop(claims);
    db.close().await;
    scene.gateway.launch(&[Process::Card]).await?;
    scene.finish().await
}

/// The worker loses the session of its claims between a claim and the call that follows: another worker
/// could have claimed the job.
#[tokio::test]
async fn a_worker_without_its_session_sends_nothing() -> Result<()> {
    let scene = Scene::patient().await?;
    let url = scene.gateway.role_url(Role::Card)?;
    let database = scene.detour(Process::Card, "DATABASE_URL", &url).await?;
    let owner = scene.gateway.database();
    let session = "select pid from pg_stat_activity
                   where datname = current_database() and application_name = 'sluice card'
                     and pid in (select pid from pg_locks where locktype = 'advisory')";
    let session = || sqlx::query_scalar::<_, i32>(session).fetch_optional(owner);
    let before = until("there is a session", SOON, async || Ok(session().await?)).await?;
    database.back().set(Gate::Hold(&["Order #12345"]));
    let payment = scene.pay_pending(cards::APPROVED).await?;
    database.back().holds(1).await?;
    assert_eq!(scene.gateway.attempts(&payment).await?, ["sending"]);
    let end = sqlx::query("select pg_terminate_backend($1)").bind(before);
    end.execute(owner).await?;
    until("there is another session", SOON, async || {
        Ok(session().await?.filter(|now| *now != before))
    })
    .await?;
    database.back().set(Gate::Pass);
    scene.gateway.drain().await?;
    let log = scene.gateway.log(Process::Card);
    assert!(log.contains("paused for too long since the claim"), "{log}");
    // The claim's attempt was never sent, so it did not count.
    scene.was_charged_once(&payment).await?;
    scene.finish().await
}

/// A reason to act that arrives while a worker holds the job is not lost with the worker's outcome.
#[tokio::test]
async fn a_job_woken_while_it_is_held_stays_due() -> Result<()> {
    let scene = without_card_worker().await?;
    let payment = scene.pay_pending(cards::APPROVED).await?;
    let id = payment_id(&payment)?;
    let (db, claims) = as_card_worker(&scene)?;
    for is_completed in [true, false] {
        let job = scene.gateway.job_of(&payment).await?.job;
        let lease = Lease::new(job, Uuid::now_v7());
        ensure!(claims.run(request(lease)).await?.is_some(), "not claimed");
        scene.gateway.wake(&payment).await?;
        if is_completed {
            jobs::complete(&db, lease).await?;
            assert_eq!(held(&db, id).await?, (None, job.seq + 1));
        } else {
            reschedule(&db, lease, Duration::from_hours(1)).await?;
            assert_eq!(held(&db, id).await?, (None, job.seq + 2));
        }
        let due = scene.gateway.due_in(Worker::Card).await?;
        assert_eq!(due, Some(Duration::ZERO), "completed: {is_completed}");
    }
    drop(claims);
    db.close().await;
    scene.gateway.launch(&[Process::Card]).await?;
    scene.finish().await
}
