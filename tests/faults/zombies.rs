//! A card worker that is paused for longer than its lease, while another one takes over, and then
//! continues.

use anyhow::Result;
use sqlx::{Connection, PgConnection};
use tests::{Options, Process, cards, until};

use crate::proxy::Gate;
use crate::scene::{LEASE, SOON, Scene};

/// One payment is approved, but the paused worker has no response; its request for the other has not
/// reached the acquirer.
#[tokio::test]
async fn a_late_response_changes_nothing() -> Result<()> {
    let scene = Scene::patient().await?;
    let acquirer = scene.before_acquirer().await?;
    acquirer.back().set(Gate::Hold(&["\"approved\""]));
    let approved = scene.pay_pending(cards::APPROVED).await?;
    acquirer.back().holds(1).await?;
    acquirer.forth().set(Gate::Hold(&["POST /"]));
    let unsent = scene.pay_pending(cards::APPROVED).await?;
    acquirer.forth().holds(1).await?;
    scene.gateway.stop(Process::Card).await?;
    scene.gateway.launch(&[Process::SecondCard]).await?;
    scene.gateway.advance(LEASE).await?;
    scene.gateway.drain().await?;
    let before = scene.gateway.sandbox_log()?.len();
    acquirer.forth().set(Gate::Pass);
    acquirer.back().set(Gate::Pass);
    scene.gateway.cont(Process::Card).await?;
    // The request that arrives after its own reversal is refused.
    scene.acquirer_did(before + 1).await?;
    scene.gateway.drain().await?;
    // The continued worker works.
    scene.gateway.terminate(Process::SecondCard).await?;
    assert_eq!(scene.gateway.pay(cards::APPROVED).await?.status, 200);
    scene.gateway.drain().await?;
    let (status, attempts, did) = scene.became(&approved).await?;
    assert_eq!(
        (status.as_str(), attempts),
        ("succeeded", vec!["approved".to_owned()])
    );
    assert_eq!(did, ["approved", "captured"]);
    let (status, attempts, did) = scene.became(&unsent).await?;
    assert_eq!(status, "succeeded");
    assert_eq!(attempts, ["watching", "approved"]);
    assert_eq!(did, ["approved", "captured", "refused"]);
    scene.finish().await
}

#[tokio::test]
async fn a_late_approval_of_a_reversed_attempt_is_returned() -> Result<()> {
    let scene = Scene::with(Options {
        wait_ms: 200,
        acquirer_timeout_ms: 15_000,
        pace_percent: 100,
        ..Options::default()
    })
    .await?;
    let acquirer = scene.before_acquirer().await?;
    acquirer.back().set(Gate::Hold(&["\"approved\""]));
    let payment = scene.pay_pending(cards::LATE_DESPITE_VOID).await?;
    scene.gateway.stop(Process::Card).await?;
    assert_eq!(scene.gateway.attempts(&payment).await?, ["sending"]);
    scene.gateway.launch(&[Process::SecondCard]).await?;
    scene.gateway.advance(LEASE).await?;
    scene.gateway.drain().await?;
    let (status, attempts, did) = scene.became(&payment).await?;
    assert_eq!(status, "succeeded");
    assert_eq!(attempts, ["watching", "approved"]);
    assert_eq!(did, ["approved", "captured"]);
    // The first attempt is approved all the same, and the continued worker gets the response.
    scene.acquirer_did(4).await?;
    acquirer.back().holds(1).await?;
    acquirer.back().set(Gate::Pass);
    scene.gateway.cont(Process::Card).await?;
    // By its own clock its lease still holds, so it captures, finds that the attempt was reversed, and
    // refunds.
    scene.acquirer_did(6).await?;
    scene.gateway.drain().await?;
    let (status, attempts, did) = scene.became(&payment).await?;
    assert_eq!(status, "succeeded");
    assert_eq!(attempts, ["refunded", "approved"]);
    let expected = ["approved", "approved", "captured", "captured", "refunded"];
    assert_eq!(did, expected);
    scene.finish().await
}

/// Whether the only attempt is deleted, or its deletion waits for a lock.
const DISCARDED: &str = "
    select not exists (select from authorizations)
        or exists (select from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'
                     and query like 'delete from authorizations%')";

/// A claim whose session was lost before it sent anything deletes its attempt, while the next claim moves it.
#[tokio::test]
async fn an_attempt_is_moved_or_deleted_and_never_both() -> Result<()> {
    let scene = Scene::patient().await?;
    let acquirer = scene.before_acquirer().await?;
    acquirer.forth().set(Gate::Hold(&["POST /"]));
    let payment = scene.pay_pending(cards::APPROVED).await?;
    acquirer.forth().holds(1).await?;
    scene.gateway.kill(Process::Card)?;
    acquirer.cut();
    acquirer.forth().set(Gate::Pass);
    scene.gateway.advance(LEASE).await?;
    let mut lock = scene.gateway.lock_payments(&[&payment]).await?;
    scene.gateway.launch(&[Process::Card]).await?;
    scene.gateway.wait_blocked_by(&mut lock).await?;
    let mut own = PgConnection::connect(&scene.gateway.database_url()).await?;
    let deleting = tokio::spawn(async move {
        let delete = "delete from authorizations where state = 'sending'";
        sqlx::query(delete).execute(&mut own).await
    });
    until("the attempt is deleted, or that waits", SOON, async || {
        let is_discarded = sqlx::query_scalar(DISCARDED);
        let is_discarded: bool = is_discarded.fetch_one(scene.gateway.database()).await?;
        Ok(is_discarded.then_some(()))
    })
    .await?;
    lock.rollback().await?;
    deleting.await??;
    scene.gateway.drain().await?;
    assert_eq!(scene.read(&payment).await?.at("/status"), "succeeded");
    scene.finish().await
}
