//! Internal errors and outages: every surface reports them in its format, and when to retry.

use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{Gateway, Process, Response, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A list of each surface, with its own credential.
fn lists(gateway: &Gateway, process: Process) -> [(&'static str, RequestBuilder); 4] {
    let key = gateway.merchant.test_key.as_str();
    let get = |path| gateway.request_to(process, Method::GET, path);
    [
        (
            "finternet",
            get("/v1/payment-intents").header("X-API-Key", key),
        ),
        ("paygate", get("/v1/customers").bearer_auth(key)),
        ("finfusion", get("/v2/payments").bearer_auth(key)),
        ("fourgeeks", get("/v1/customers").basic_auth(key, Some(""))),
    ]
}

async fn all(gateway: &Gateway, process: Process) -> Result<Vec<(&'static str, Response)>> {
    let asked = lists(gateway, process).into_iter();
    try_join_all(asked.map(async |(surface, request)| Ok((surface, gateway.send(request).await?))))
        .await
}

/// A surface's error body, as its catalogue documents it.
fn error_of(surface: &str, status: u16) -> Value {
    let again = "Send the request again, with the same Idempotency-Key if it had one.";
    let (code, title, short) = match (surface, status) {
        ("finfusion", 500) => ("API001", "", "Internal server error"),
        ("finfusion", _) => ("API002", "", "Service unavailable. Try again shortly."),
        (_, 500) => (
            "internal_error",
            "Server error",
            "Something went wrong on our side.",
        ),
        ("finternet", _) => ("service_unavailable", "", "Not available at the moment."),
        _ => (
            "unavailable",
            "Service unavailable",
            "Not available at the moment.",
        ),
    };
    let message = format!("{short} {again}");
    match surface {
        "finternet" | "paygate" => {
            json!({"error": {"type": "api_error", "code": code, "message": message}})
        }
        "finfusion" => json!({"error": {"type": "APIError", "code": code, "message": short}}),
        _ => json!({"code": status, "title": title, "content": message, "type": "danger"}),
    }
}

fn check(answers: &[(&str, Response)], status: u16) {
    for (surface, answer) in answers {
        assert_eq!(
            (answer.status, &answer.body),
            (status, &error_of(surface, status)),
            "{surface}"
        );
        assert_eq!(
            answer.header("content-type"),
            "application/json",
            "{surface}"
        );
        assert_eq!(answer.header("retry-after"), "1", "{surface}");
        assert_eq!(answer.header("x-request-id").len(), 36, "{surface}");
    }
}

#[tokio::test]
async fn an_internal_error_is_a_500_on_every_surface() -> Result<()> {
    let gateway = Gateway::start().await?;
    let tables = ["intents", "customers", "payments"];
    let answers = gateway
        .without_tables(&tables, all(&gateway, Process::Api))
        .await?;
    check(&answers, 500);
    let log = gateway.log(Process::Api);
    for (surface, answer) in &answers {
        // The log has the request id of the response.
        assert!(log.contains(answer.header("x-request-id")), "{surface}");
        assert!(
            !answer.text.contains("relation"),
            "{surface}: {}",
            answer.text
        );
    }
    gateway.finish().await
}

/// As many requests in progress as a process allows: each waits for its body.
#[tokio::test]
async fn a_busy_process_is_a_503_on_every_surface() -> Result<()> {
    let gateway = Gateway::start().await?;
    let process = Process::SecondApi;
    gateway.set(process, "SLUICE_CONNECTIONS", "8".to_owned());
    gateway.launch(&[process]).await?;
    let key = gateway.merchant.test_key.as_str();
    let head = format!(
        "POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: 9\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    let mut waiting = Vec::new();
    for _ in 0..6 {
        let mut client = TcpStream::connect(gateway.address(process)).await?;
        client.write_all(head.as_bytes()).await?;
        // Asked for its body, the request is in progress.
        client.read_exact(&mut [0; 25]).await?;
        waiting.push(client);
    }
    for (surface, request) in lists(&gateway, process) {
        check(&[(surface, gateway.send(request).await?)], 503);
    }
    drop(waiting);
    until("it answers again", Duration::from_secs(10), async || {
        let answers = all(&gateway, process).await?;
        let is_well = answers.iter().all(|(_, answer)| answer.status == 200);
        Ok(is_well.then_some(()))
    })
    .await?;
    gateway.finish().await
}

#[tokio::test]
async fn a_database_that_is_down_is_a_503_on_every_surface() -> Result<()> {
    let gateway = Gateway::start().await?;
    let nowhere = "postgres://nobody@127.0.0.1:1/nowhere".to_owned();
    let process = Process::SecondApi;
    gateway.set(process, "DATABASE_URL", nowhere);
    gateway.spawn(process)?;
    until("it lives", Duration::from_secs(10), async || {
        let alive = gateway.send(gateway.request_to(process, Method::GET, "/livez"));
        Ok(alive.await.ok().filter(|answer| answer.status == 200))
    })
    .await?;
    let ready = gateway.request_to(process, Method::GET, "/readyz");
    assert_eq!(gateway.send(ready).await?.status, 503);
    check(&all(&gateway, process).await?, 503);
    gateway.finish().await
}
