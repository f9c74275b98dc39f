//! Clients that disconnect in the middle of a request.

use anyhow::Result;
use futures::future::try_join_all;
use serde_json::Value;
use tests::{Gateway, Process, cards, example};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// A whole request as bytes.
fn raw(gateway: &Gateway, key: &str, body: &Value) -> Vec<u8> {
    let (body, secret) = (body.to_string(), gateway.merchant.test_key.as_str());
    let length = body.len();
    format!(
        "POST /v1/payments HTTP/1.1\r\nHost: sluice\r\nAuthorization: Bearer {secret}\r\n\
         Content-Type: application/json\r\nIdempotency-Key: {key}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends some bytes and closes the connection without waiting.
async fn send_and_leave(gateway: &Gateway, bytes: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect(gateway.address(Process::Api)).await?;
    stream.write_all(bytes).await?;
    Ok(stream.shutdown().await?)
}

#[tokio::test]
async fn half_a_request_creates_no_payment() -> Result<()> {
    let gateway = Gateway::start().await?;
    let request = raw(&gateway, "half", &example(cards::APPROVED));
    for part in 1..20 {
        let half = request.get(..request.len() * part / 20).unwrap_or_default();
        send_and_leave(&gateway, half).await?;
    }
    assert_eq!(
        gateway.pay_with_key(cards::APPROVED, "half").await?.status,
        200
    );
    let count = gateway.count("payments").await?;
    assert_eq!(count, 1);
    gateway.finish().await
}

/// Whatever became of each request, nothing is half done, and a retry finds the one payment.
#[tokio::test]
async fn a_client_that_disconnects_may_retry() -> Result<()> {
    let gateway = Gateway::start().await?;
    let body = example(cards::APPROVED);
    let keys: Vec<String> = (0..30).map(|number| format!("left-{number}")).collect();
    let requests: Vec<Vec<u8>> = keys.iter().map(|key| raw(&gateway, key, &body)).collect();
    try_join_all(requests.iter().map(|bytes| send_and_leave(&gateway, bytes))).await?;
    gateway.drain().await?;
    let again = try_join_all(
        keys.iter()
            .map(|key| gateway.pay_with_key(cards::APPROVED, key)),
    )
    .await?;
    assert!(
        again
            .iter()
            .all(|answer| answer.at("/status") == "succeeded")
    );
    let count = gateway.count("payments").await?;
    assert_eq!(count, 30);
    assert_eq!(gateway.sandbox_log()?.len(), 60);
    gateway.finish().await
}
