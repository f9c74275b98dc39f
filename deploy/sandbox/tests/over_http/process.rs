//! Successful requests, errors, the log and the process.

use std::{fs::OpenOptions, io::Write};

use anyhow::Result;
use reqwest::StatusCode;
use serde_json::json;

use crate::sandbox::{Sandbox, field, send_json, status};

const CARD: &str = "4242424242424242";

#[tokio::test]
async fn a_payment_from_authorization_to_refund() -> Result<()> {
    let sandbox = Sandbox::start("plain")?;
    for path in ["/livez", "/readyz"] {
        assert_eq!(sandbox.get(path).send().await?.text().await?, "ok");
    }
    let approved = send_json(sandbox.authorize("a", CARD)).await?;
    assert_eq!(
        approved,
        json!({ "reference": "a", "status": "approved", "authorization_code": "A00001" })
    );
    let captured = send_json(sandbox.capture("a")).await?;
    assert_eq!(captured, json!({ "reference": "a", "status": "captured" }));
    let refund = json!({
        "reference": "r", "authorization": "a", "amount": "20.00", "currency": "USD",
    });
    let refunded = send_json(sandbox.post("/refunds").json(&refund)).await?;
    assert_eq!(refunded, json!({ "reference": "r", "status": "refunded" }));
    assert_eq!(
        send_json(sandbox.get("/authorizations/a")).await?,
        json!({
            "reference": "a", "status": "captured", "authorization_code": "A00001",
            "payment": "pay-1", "amount": "50.00", "currency": "USD", "captured": "50.00",
        })
    );
    assert_eq!(
        sandbox.records().await?,
        ["approved a", "captured a", "refunded r"]
    );
    Ok(())
}

#[tokio::test]
async fn errors_have_their_status() -> Result<()> {
    let sandbox = Sandbox::start("errors")?;
    assert_eq!(status(sandbox.capture("a")).await?, StatusCode::NOT_FOUND);
    assert_eq!(
        status(sandbox.get("/elsewhere")).await?,
        StatusCode::NOT_FOUND
    );
    sandbox.authorize("a", CARD).send().await?;
    let reused = sandbox.authorize("a", "4000000000000002");
    assert_eq!(status(reused).await?, StatusCode::CONFLICT);
    let excess = json!({ "amount": "50.01", "currency": "USD" });
    let excess = sandbox.post("/authorizations/a/capture").json(&excess);
    assert_eq!(status(excess).await?, StatusCode::UNPROCESSABLE_ENTITY);
    sandbox.capture("a").send().await?;
    assert_eq!(
        field(&sandbox.void("a").await?, "error"),
        "already_captured"
    );
    Ok(())
}

#[tokio::test]
async fn errors_never_quote_malformed_requests() -> Result<()> {
    let sandbox = Sandbox::start("malformed")?;
    let number = "4242424242424241";
    let bodies = [
        String::new(),
        "[]".to_owned(),
        format!("{{\"card\":\"{number}\"}}"),
    ];
    for body in bodies {
        let response = sandbox.post("/authorizations").body(body).send().await?;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.text().await?, r#"{"error":"invalid_request"}"#);
    }
    assert_eq!(
        status(sandbox.authorize("a", number)).await?,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        status(sandbox.authorize("a/b", CARD)).await?,
        StatusCode::BAD_REQUEST
    );
    Ok(())
}

#[tokio::test]
async fn a_kill_loses_no_confirmed_operation() -> Result<()> {
    let sandbox = Sandbox::start("kill")?;
    let first = send_json(sandbox.authorize("a", CARD)).await?;
    sandbox.capture("a").send().await?;
    let log = sandbox.kill()?;
    OpenOptions::new()
        .append(true)
        .open(&log)?
        .write_all(br#"{"seq":3,"at":"20"#)?;
    let sandbox = Sandbox::start_on(log)?;
    assert_eq!(send_json(sandbox.authorize("a", CARD)).await?, first);
    assert_eq!(sandbox.enquire("a").await?, "captured");
    sandbox.authorize("b", CARD).send().await?;
    assert_eq!(
        sandbox.records().await?,
        ["approved a", "captured a", "approved b"]
    );
    Ok(())
}

#[tokio::test]
async fn a_log_has_one_writer() -> Result<()> {
    let sandbox = Sandbox::start("one-writer")?;
    assert!(Sandbox::start_on(sandbox.log.clone()).is_err());
    Ok(())
}

#[tokio::test]
async fn it_stops_on_sigterm_and_never_logs_a_card_number() -> Result<()> {
    let sandbox = Sandbox::start("stop")?;
    sandbox.authorize("a", CARD).send().await?;
    let silent = tokio::spawn(sandbox.authorize("b", "4000000000010605").send());
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let log = sandbox.log.clone();
    let (status, stderr) = tokio::task::spawn_blocking(|| sandbox.stop()).await??;
    assert!(status.success(), "{status}");
    assert!(silent.await?.is_err());
    let written = std::fs::read_to_string(log)?;
    assert_eq!(written.lines().count(), 2);
    for number in [CARD, "4000000000010605"] {
        assert!(!written.contains(number) && !stderr.contains(number));
    }
    Ok(())
}

#[tokio::test]
async fn every_response_of_the_acquirer_takes_the_latency() -> Result<()> {
    let log = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("latency.log");
    let _ = std::fs::remove_file(&log);
    let sandbox = Sandbox::start_with(log, &["--latency-ms", "200"])?;
    for request in [sandbox.authorize("a", CARD), sandbox.capture("a")] {
        let started = std::time::Instant::now();
        assert_eq!(status(request).await?, StatusCode::OK);
        assert!(started.elapsed().as_millis() >= 200);
    }
    Ok(())
}
