//! S001's example, made by the programs that people use.

use anyhow::Result;
use serde_json::Value;
use tests::{Gateway, Process, example};

use crate::signatures::{run, script, tools};

fn check(name: &str, body: &Value) {
    for (pointer, expected) in [
        ("/status", "succeeded"),
        ("/currency", "USD"),
        ("/customer/email", "customer@example.com"),
        ("/description", "Order #12345"),
    ] {
        assert_eq!(
            body.pointer(pointer).and_then(Value::as_str),
            Some(expected),
            "{name}: {body}"
        );
    }
    assert_eq!(body["amount"], 5000, "{name}: {body}");
}

#[tokio::test]
async fn curl_requests_and_fetch_make_the_payment() -> Result<()> {
    let gateway = Gateway::start().await?;
    let tools = tools().await?;
    let url = format!("{}/v1/payments", gateway.url(Process::Api));
    let key = gateway.merchant.test_key.as_str();
    let body = example("4242424242424242").to_string();

    let credentials = format!("Authorization: Bearer {key}");
    let json = "Content-Type: application/json";
    let curl = [
        "-sS",
        "--fail",
        "-X",
        "POST",
        &url,
        "-H",
        &credentials,
        "-H",
        json,
        "-d",
        &body,
    ];
    check(
        "curl",
        &serde_json::from_str(&run("curl", &curl, "").await?)?,
    );

    let python = format!("{tools}/venv/bin/python");
    for (program, script) in [
        (python.as_str(), script("pay.py")),
        ("node", script("pay.mjs")),
    ] {
        let answer: Value =
            serde_json::from_str(&run(program, &[&script, &url, key], &body).await?)?;
        assert_eq!(answer["status"], 200, "{answer}");
        check(program, &answer["body"]);
    }
    gateway.finish().await
}
