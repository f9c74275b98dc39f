//! Every fault has the effect that `cards.rs` documents.

use std::{
    error::Error,
    io::ErrorKind,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use reqwest::{RequestBuilder, StatusCode};

use crate::sandbox::{Sandbox, field, send_json, status};

/// The I/O error of a request that receives no response.
async fn send_error(request: RequestBuilder) -> Result<Option<ErrorKind>> {
    let error = request.send().await.err().context("expected no response")?;
    anyhow::ensure!(
        !error.is_timeout(),
        "the client's timeout passed without an error"
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
    let response = send_json(request).await?;
    Ok((field(&response, "status").to_owned(), start.elapsed()))
}

fn short_delay() -> tokio::time::Sleep {
    tokio::time::sleep(Duration::from_millis(100))
}

#[tokio::test]
async fn slow_authorizations_are_processing_first() -> Result<()> {
    let sandbox = Sandbox::start("slow")?;
    let cards = [
        ("slow", "4000000000010035", 300),
        ("very-slow", "4000000000010126", 1200),
    ];
    for (reference, card, wait_ms) in cards {
        let responding = tokio::spawn(timed(sandbox.authorize(reference, card)));
        short_delay().await;
        assert_eq!(sandbox.enquire(reference).await?, "processing");
        let (status, elapsed) = responding.await??;
        assert_eq!(status, "approved");
        assert!(elapsed >= Duration::from_millis(wait_ms), "{elapsed:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_slow_authorization_is_decided_after_the_client_disconnects() -> Result<()> {
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
async fn a_silent_card_is_approved_and_closed_without_a_response() -> Result<()> {
    let sandbox = Sandbox::start("silent")?;
    let start = Instant::now();
    let responding = tokio::spawn(send_error(sandbox.authorize("a", "4000000000010605")));
    short_delay().await;
    assert_eq!(sandbox.enquire("a").await?, "approved");
    assert_ne!(responding.await??, Some(ErrorKind::ConnectionReset));
    assert!(start.elapsed() >= Duration::from_secs(6));
    Ok(())
}

#[tokio::test]
async fn a_late_authorization_is_unknown_at_first() -> Result<()> {
    let sandbox = Sandbox::start("late")?;
    let responding = tokio::spawn(timed(sandbox.authorize("a", "4000000000020125")));
    short_delay().await;
    assert_eq!(sandbox.enquire("a").await?, "not_found");
    let (second, elapsed) = timed(sandbox.authorize("b", "4000000000020125")).await?;
    assert!(
        second == "approved" && elapsed < Duration::from_secs(1),
        "{second} {elapsed:?}"
    );
    assert_eq!(responding.await??.0, "approved");
    assert_eq!(sandbox.records().await?, ["approved b", "approved a"]);
    Ok(())
}

#[tokio::test]
async fn a_late_authorization_respects_a_void() -> Result<()> {
    let sandbox = Sandbox::start("late-void")?;
    let responding = tokio::spawn(send_json(sandbox.authorize("a", "4000000000020125")));
    short_delay().await;
    assert_eq!(field(&sandbox.void("a").await?, "status"), "voided");
    assert_eq!(field(&responding.await??, "code"), "voided");
    assert_eq!(sandbox.records().await?, ["voided a", "refused a"]);
    Ok(())
}

#[tokio::test]
async fn a_late_authorization_may_be_approved_despite_a_void() -> Result<()> {
    let sandbox = Sandbox::start("despite-void")?;
    let responding = tokio::spawn(timed(sandbox.authorize("a", "4000000000021123")));
    short_delay().await;
    sandbox.void("a").await?;
    assert_eq!(sandbox.enquire("a").await?, "voided");
    assert_eq!(responding.await??.0, "approved");
    assert_eq!(sandbox.enquire("a").await?, "approved");
    sandbox.void("a").await?;
    assert_eq!(
        sandbox.records().await?,
        ["voided a", "approved a", "voided a"]
    );
    Ok(())
}

#[tokio::test]
async fn a_reset_before_processing_records_nothing() -> Result<()> {
    let sandbox = Sandbox::start("reset-before")?;
    let first = send_error(sandbox.authorize("a", "4000000000030017")).await?;
    assert_eq!(first, Some(ErrorKind::ConnectionReset));
    assert_eq!(sandbox.enquire("a").await?, "not_found");
    assert_eq!(
        timed(sandbox.authorize("b", "4000000000030017")).await?.0,
        "approved"
    );
    Ok(())
}

#[tokio::test]
async fn a_reset_after_processing_is_approved() -> Result<()> {
    let sandbox = Sandbox::start("reset-after")?;
    let first = send_error(sandbox.authorize("a", "4000000000030025")).await?;
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
async fn bad_responses_follow_an_approval() -> Result<()> {
    let sandbox = Sandbox::start("bad-responses")?;
    let truncated = sandbox
        .authorize("truncated", "4000000000042004")
        .send()
        .await?;
    assert_eq!(truncated.status(), StatusCode::OK);
    assert!(serde_json::from_str::<serde_json::Value>(&truncated.text().await?).is_err());
    let error = status(sandbox.authorize("error", "4000000000045007")).await?;
    assert_eq!(error, StatusCode::INTERNAL_SERVER_ERROR);
    let wrong = send_json(sandbox.authorize("wrong", "4000000000046666")).await?;
    assert_eq!(field(&wrong, "reference"), "wrong-other");
    assert_ne!(field(&wrong, "amount"), "50.00");
    for reference in ["truncated", "error", "wrong"] {
        assert_eq!(sandbox.enquire(reference).await?, "approved");
    }
    Ok(())
}

#[tokio::test]
async fn a_503_records_nothing() -> Result<()> {
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
async fn the_response_to_the_first_capture_is_lost() -> Result<()> {
    let sandbox = Sandbox::start("capture-lost")?;
    sandbox.authorize("a", "4000000000060014").send().await?;
    send_error(sandbox.capture("a")).await?;
    assert_eq!(sandbox.enquire("a").await?, "captured");
    assert_eq!(timed(sandbox.capture("a")).await?.0, "captured");
    assert_eq!(sandbox.records().await?, ["approved a", "captured a"]);
    Ok(())
}

#[tokio::test]
async fn a_capture_is_rejected_and_the_void_works() -> Result<()> {
    let sandbox = Sandbox::start("capture-rejected")?;
    sandbox.authorize("a", "4000000000064099").send().await?;
    assert_eq!(
        field(&send_json(sandbox.capture("a")).await?, "error"),
        "not_capturable"
    );
    assert_eq!(field(&sandbox.void("a").await?, "status"), "voided");
    Ok(())
}
