//! What `sluice verify` finds in the acquirer's log, and how it reports.

use std::process::Output;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::routing::get;
use domain::id::PaymentId;
use serde_json::{Value, json};
use store::Role;
use store::reports::Rule;
use tests::{Gateway, binary, cards};
use tokio::net::TcpListener;

/// Serves a log as the sandbox does. Returns its URL.
async fn serve(log: &[Value]) -> Result<String> {
    let lines: Vec<String> = log.iter().map(Value::to_string).collect();
    let lines = lines.join("\n") + "\n";
    let router = Router::new().route("/log", get(async move || lines));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(url)
}

async fn sluice_verify(gateway: &Gateway, arguments: &[&str]) -> Result<Output> {
    let mut sluice = tokio::process::Command::new(binary("sluice")?);
    let sluice = sluice
        .arg("verify")
        .args(arguments)
        .current_dir(gateway.directory())
        .env("DATABASE_URL", gateway.role_url(Role::Operator)?);
    Ok(sluice.output().await?)
}

/// The rules that this log breaks, each with the object that it names.
async fn broken(gateway: &Gateway, log: &[Value]) -> Result<Vec<(String, String)>> {
    let url = serve(log).await?;
    let output = sluice_verify(gateway, &["--json", "--sandbox-url", &url]).await?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let rules = report["rules"].as_array().context("no rules")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let named = rules
        .iter()
        .map(|rule| (text(&rule["rule"]), text(&rule["first"][0]["subject"])));
    let named: Vec<_> = named.collect();
    let expected = i32::from(!named.is_empty());
    ensure!(
        output.status.code() == Some(expected),
        "{:?}: {report}",
        output.status
    );
    Ok(named)
}

/// The log with one record changed.
fn with(log: &[Value], kind: &str, change: impl Fn(&mut Value)) -> Vec<Value> {
    let mut log = log.to_vec();
    log.iter_mut()
        .filter(|record| record["kind"] == kind)
        .take(1)
        .for_each(change);
    log
}

/// The log without records of this kind, and with one more.
fn and(log: &[Value], record: Value) -> Vec<Value> {
    let mut log = log.to_vec();
    log.push(record);
    log
}

#[tokio::test]
async fn the_acquirers_log_is_compared_record_by_record() -> Result<()> {
    let gateway = Gateway::start().await?;
    let paid = gateway.pay(cards::APPROVED).await?;
    let path = format!("/v1/payments/{}/refund", paid.at("/id"));
    let refund = gateway.post(&path, &json!({"amount": 100})).await?;
    gateway.drain().await?;
    let log = std::fs::read_to_string(gateway.directory().join("acquirer.jsonl"))?;
    let log: Vec<Value> = log
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let record = |kind: &str| log.iter().find(|one| one["kind"] == kind).cloned();
    let (captured, refunded) = (record("captured"), record("refunded"));
    let (captured, refunded) = (captured.context("captured")?, refunded.context("refunded")?);
    let attempt = captured["reference"].as_str().context("reference")?;
    let (payment, refund) = (paid.at("/id"), refund.at("/id"));
    let unknown = PaymentId(store::new_id()).to_string();
    let set = |name: &'static str, value: &str| {
        let value = value.to_owned();
        move |record: &mut Value| record[name] = value.clone().into()
    };
    let without = |kind: &str| -> Vec<Value> {
        log.iter()
            .filter(|one| one["kind"] != kind)
            .cloned()
            .collect()
    };
    let cases = [
        (log.clone(), None),
        // Two captures, two refunds of one reference.
        (
            and(&log, captured.clone()),
            Some((Rule::AcquirerOnce, attempt)),
        ),
        (
            and(&log, refunded.clone()),
            Some((Rule::AcquirerOnce, refund)),
        ),
        (
            with(&log, "captured", set("amount", "1.00")),
            Some((Rule::AcquirerAmount, attempt)),
        ),
        (
            with(&log, "approved", set("currency", "EUR")),
            Some((Rule::AcquirerAmount, attempt)),
        ),
        // Another card than the payment shows.
        (
            with(&log, "approved", set("card_last4", "0000")),
            Some((Rule::AcquirerAmount, attempt)),
        ),
        (without("captured"), Some((Rule::AcquirerCharge, payment))),
        (
            with(&log, "refunded", set("amount", "2.00")),
            Some((Rule::AcquirerRefund, refund)),
        ),
        (without("refunded"), Some((Rule::AcquirerRefund, refund))),
        // A decline of a payment that we do not know: it was deleted with everything of it.
        (
            and(
                &log,
                json!({"kind": "declined", "reference": "auth_1", "payment": unknown}),
            ),
            Some((Rule::AcquirerReference, "auth_1")),
        ),
        (
            and(
                &log,
                json!({"kind": "declined", "reference": "auth_2", "payment": payment}),
            ),
            Some((Rule::AcquirerReference, "auth_2")),
        ),
        (
            and(&log, json!({"kind": "voided", "reference": "auth_3"})),
            Some((Rule::AcquirerReference, "auth_3")),
        ),
    ];
    for (log, expected) in cases {
        let expected = expected.map(|(rule, named)| (rule.name().to_owned(), named.to_owned()));
        let found = broken(&gateway, &log).await?;
        ensure!(
            found == Vec::from_iter(expected.clone()),
            "expected {expected:?}, found {found:?}"
        );
    }
    reports_are_lines_and_exit_codes(&gateway, payment).await?;
    gateway.finish().await
}

async fn reports_are_lines_and_exit_codes(gateway: &Gateway, payment: &str) -> Result<()> {
    let change = |by: i32| {
        let sql = "update payments set version = version + $1";
        sqlx::query(sql).bind(by).execute(gateway.database())
    };
    change(1).await?;
    let output = sluice_verify(gateway, &[]).await?;
    let text = String::from_utf8(output.stdout)?;
    let line = format!(
        "  history_end: {payment}: expected captured at version 3; found captured at version 2\n"
    );
    ensure!(
        text.contains(&line) && text.ends_with("\n1 difference\n"),
        "{text}"
    );
    ensure!(output.status.code() == Some(1), "{:?}", output.status);
    let output = sluice_verify(gateway, &["--limit", "0"]).await?;
    let text = String::from_utf8(output.stdout)?;
    ensure!(
        text.contains("(1, the first 0 of them)\n1 difference"),
        "{text}"
    );
    change(-1).await?;
    let output = sluice_verify(gateway, &["--sandbox-url", "http://127.0.0.1:1"]).await?;
    ensure!(output.status.code() == Some(2), "{:?}", output.status);
    Ok(())
}
