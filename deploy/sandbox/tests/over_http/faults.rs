//! Every fault card does over HTTP what the table in `cards.rs` says.

use std::{
    error::Error,
    io::ErrorKind,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use reqwest::{RequestBuilder, StatusCode};

use crate::sandbox::{Sandbox, status, told, word};

/// How a request that got no answer ended.
async fn ended(request: RequestBuilder) -> Result<Option<ErrorKind>> {
    let error = request.send().await.err().context("there was an answer")?;
    anyhow::ensure!(
        !error.is_timeout(),
        "nothing came before the client's timeout"
    );
    let mut cause: Option<&dyn Error> = Some(&error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Ok(Some(error.kind()));
        }
        cause = error.source();
    }
    Ok(None)
}

async fn timed(request: RequestBuilder) -> Result<(String, Duration)> {
    let start = Instant::now();
    let answer = told(request).await?;
    Ok((word(&answer, "status").to_owned(), start.elapsed()))
}

fn soon() -> tokio::time::Sleep {
    tokio::time::sleep(Duration::from_millis(100))
}

#[tokio::test]
async fn slow_cards_are_processing_first() -> Result<()> {
    let sandbox = Sandbox::start("slow")?;
    let cards = [
        ("slow", "4000000000010035", 300),
        ("very-slow", "4000000000010126", 1200),
    ];
    for (reference, card, wait_ms) in cards {
        let answering = tokio::spawn(timed(sandbox.authorize(reference, card)));
        soon().await;
        assert_eq!(sandbox.enquire(reference).await?, "processing");
        let (status, elapsed) = answering.await??;
        assert_eq!(status, "approved");
        assert!(elapsed >= Duration::from_millis(wait_ms), "{elapsed:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_slow_one_is_decided_also_when_the_client_went_away() -> Result<()> {
    let sandbox = Sandbox::start("gone")?;
    let request = sandbox
        .authorize("a", "4000000000010035")
        .timeout(Duration::from_millis(100));
    assert!(request.send().await.is_err());
    assert_eq!(sandbox.enquire("a").await?, "processing");
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(sandbox.records().await?, ["approved a"]);
    Ok(())
}

#[tokio::test]
async fn a_silent_one_is_approved_and_closed_without_an_answer() -> Result<()> {
    let sandbox = Sandbox::start("silent")?;
    let start = Instant::now();
    let answering = tokio::spawn(ended(sandbox.authorize("a", "4000000000010605")));
    soon().await;
    assert_eq!(sandbox.enquire("a").await?, "approved");
    assert_ne!(answering.await??, Some(ErrorKind::ConnectionReset));
    assert!(start.elapsed() >= Duration::from_secs(6));
    Ok(())
}

#[tokio::test]
async fn a_late_one_leaves_no_trace_at_first() -> Result<()> {
    let sandbox = Sandbox::start("late")?;
    let answering = tokio::spawn(timed(sandbox.authorize("a", "4000000000020125")));
    soon().await;
    assert_eq!(sandbox.enquire("a").await?, "not_found");
    let (second, elapsed) = timed(sandbox.authorize("b", "4000000000020125")).await?;
    assert!(
        second == "approved" && elapsed < Duration::from_secs(1),
        "{second} {elapsed:?}"
    );
    assert_eq!(answering.await??.0, "approved");
    assert_eq!(sandbox.records().await?, ["approved b", "approved a"]);
    Ok(())
}

#[tokio::test]
async fn a_late_one_obeys_a_void() -> Result<()> {
    let sandbox = Sandbox::start("late-void")?;
    let answering = tokio::spawn(told(sandbox.authorize("a", "4000000000020125")));
    soon().await;
    assert_eq!(word(&sandbox.void("a").await?, "status"), "voided");
    assert_eq!(word(&answering.await??, "code"), "voided");
    assert_eq!(sandbox.records().await?, ["voided a", "refused a"]);
    Ok(())
}

#[tokio::test]
async fn a_broken_promise_is_approved_in_spite_of_its_void() -> Result<()> {
    let sandbox = Sandbox::start("promise")?;
    let answering = tokio::spawn(timed(sandbox.authorize("a", "4000000000021123")));
    soon().await;
    sandbox.void("a").await?;
    assert_eq!(sandbox.enquire("a").await?, "voided");
    assert_eq!(answering.await??.0, "approved");
    assert_eq!(sandbox.enquire("a").await?, "approved");
    sandbox.void("a").await?;
    assert_eq!(
        sandbox.records().await?,
        ["voided a", "approved a", "voided a"]
    );
    Ok(())
}

#[tokio::test]
async fn a_reset_before_does_nothing() -> Result<()> {
    let sandbox = Sandbox::start("reset-before")?;
    let first = ended(sandbox.authorize("a", "4000000000030017")).await?;
    assert_eq!(first, Some(ErrorKind::ConnectionReset));
    assert_eq!(sandbox.enquire("a").await?, "not_found");
    assert_eq!(
        timed(sandbox.authorize("b", "4000000000030017")).await?.0,
        "approved"
    );
    Ok(())
}

#[tokio::test]
async fn a_reset_after_is_approved() -> Result<()> {
    let sandbox = Sandbox::start("reset-after")?;
    let first = ended(sandbox.authorize("a", "4000000000030025")).await?;
    assert_eq!(first, Some(ErrorKind::ConnectionReset));
    assert_eq!(sandbox.enquire("a").await?, "approved");
    assert_eq!(
        timed(sandbox.authorize("a", "4000000000030025")).await?.0,
        "approved"
    );
    assert_eq!(sandbox.records().await?, ["approved a"]);
    Ok(())
}

#[tokio::test]
async fn bad_answers_follow_an_approval() -> Result<()> {
    let sandbox = Sandbox::start("bad-answers")?;
    let half = sandbox.authorize("half", "4000000000042004").send().await?;
    assert_eq!(half.status(), StatusCode::OK);
    assert!(serde_json::from_str::<serde_json::Value>(&half.text().await?).is_err());
    let error = status(sandbox.authorize("error", "4000000000045007")).await?;
    assert_eq!(error, StatusCode::INTERNAL_SERVER_ERROR);
    let strange = told(sandbox.authorize("strange", "4000000000046666")).await?;
    assert_eq!(word(&strange, "reference"), "strange-other");
    assert_ne!(word(&strange, "amount"), "50.00");
    for reference in ["half", "error", "strange"] {
        assert_eq!(sandbox.enquire(reference).await?, "approved");
    }
    Ok(())
}

#[tokio::test]
async fn a_503_does_nothing() -> Result<()> {
    let sandbox = Sandbox::start("unavailable")?;
    let first = status(sandbox.authorize("a", "4000000000045031")).await?;
    assert_eq!(first, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(sandbox.enquire("a").await?, "not_found");
    assert_eq!(
        timed(sandbox.authorize("a", "4000000000045031")).await?.0,
        "approved"
    );
    Ok(())
}

#[tokio::test]
async fn the_answer_of_the_first_capture_is_lost() -> Result<()> {
    let sandbox = Sandbox::start("capture-lost")?;
    sandbox.authorize("a", "4000000000060014").send().await?;
    ended(sandbox.capture("a")).await?;
    assert_eq!(sandbox.enquire("a").await?, "captured");
    assert_eq!(timed(sandbox.capture("a")).await?.0, "captured");
    assert_eq!(sandbox.records().await?, ["approved a", "captured a"]);
    Ok(())
}

#[tokio::test]
async fn a_capture_is_refused_and_the_void_works() -> Result<()> {
    let sandbox = Sandbox::start("capture-refused")?;
    sandbox.authorize("a", "4000000000064099").send().await?;
    assert_eq!(
        word(&told(sandbox.capture("a")).await?, "error"),
        "not_capturable"
    );
    assert_eq!(word(&sandbox.void("a").await?, "status"), "voided");
    Ok(())
}
