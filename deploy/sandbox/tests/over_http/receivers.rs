//! The webhook receiver keeps what comes.

use anyhow::{Context, Result};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::{Sandbox, status, told, word};

#[tokio::test]
async fn it_keeps_what_comes_and_answers_as_asked() -> Result<()> {
    let sandbox = Sandbox::start("receivers")?;
    assert_eq!(told(sandbox.get("/receivers/shop")).await?, json!([]));
    let first = sandbox
        .post("/receivers/shop")
        .header("Webhook-Id", "msg_1")
        .body("{\"a\": 1}");
    assert_eq!(status(first).await?, StatusCode::OK);
    let second = sandbox.post("/receivers/shop?status=500").body("two");
    assert_eq!(status(second).await?, StatusCode::INTERNAL_SERVER_ERROR);
    let kept = told(sandbox.get("/receivers/shop")).await?;
    let bodies: Vec<&str> = kept
        .as_array()
        .context("no array")?
        .iter()
        .map(|arrived| word(arrived, "body"))
        .collect();
    assert_eq!(bodies, ["{\"a\": 1}", "two"]);
    assert_eq!(kept.pointer("/0/headers/webhook-id"), Some(&json!("msg_1")));
    assert!(kept.pointer("/0/at").is_some_and(Value::is_string));
    status(sandbox.delete("/receivers/shop")).await?;
    assert_eq!(told(sandbox.get("/receivers/shop")).await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn its_memory_has_limits() -> Result<()> {
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
    let kept = told(sandbox.get("/receivers/shop")).await?;
    assert_eq!(kept.as_array().map(Vec::len), Some(1000));
    assert_eq!(kept.pointer("/0/body"), Some(&json!("1")));
    Ok(())
}
