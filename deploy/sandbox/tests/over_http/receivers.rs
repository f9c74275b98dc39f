//! The webhook receiver.

use anyhow::{Context, Result};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::{Sandbox, field, send_json, status};

#[tokio::test]
async fn it_stores_webhooks_and_responds_with_the_requested_status() -> Result<()> {
    let sandbox = Sandbox::start("receivers")?;
    assert_eq!(send_json(sandbox.get("/receivers/shop")).await?, json!([]));
    let first = sandbox
        .post("/receivers/shop")
        .header("Webhook-Id", "msg_1")
        .body("{\"a\": 1}");
    assert_eq!(status(first).await?, StatusCode::OK);
    let second = sandbox.post("/receivers/shop?status=500").body("two");
    assert_eq!(status(second).await?, StatusCode::INTERNAL_SERVER_ERROR);
    let received = send_json(sandbox.get("/receivers/shop")).await?;
    let bodies: Vec<&str> = received
        .as_array()
        .context("not an array")?
        .iter()
        .map(|webhook| field(webhook, "body"))
        .collect();
    assert_eq!(bodies, ["{\"a\": 1}", "two"]);
    assert_eq!(
        received.pointer("/0/headers/webhook-id"),
        Some(&json!("msg_1"))
    );
    assert!(received.pointer("/0/at").is_some_and(Value::is_string));
    status(sandbox.delete("/receivers/shop")).await?;
    assert_eq!(send_json(sandbox.get("/receivers/shop")).await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn its_memory_is_limited() -> Result<()> {
    let sandbox = Sandbox::start("receivers-limits")?;
    let large = sandbox
        .post("/receivers/shop")
        .body("x".repeat(64 * 1024 + 1));
    assert_eq!(status(large).await?, StatusCode::PAYLOAD_TOO_LARGE);
    for number in 0..=1000 {
        sandbox
            .post("/receivers/shop")
            .body(number.to_string())
            .send()
            .await?;
    }
    let received = send_json(sandbox.get("/receivers/shop")).await?;
    assert_eq!(received.as_array().map(Vec::len), Some(1000));
    assert_eq!(received.pointer("/0/body"), Some(&json!("1")));
    Ok(())
}
