//! Card numbers, security codes and secrets are sent, and then searched for everywhere.

use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{Gateway, Options, Process, Response, cards, example, payment_id};
use tokio::process::Command;

use crate::scene::Scene;

/// A number that no other test uses; its check digit is right.
const NUMBER: &str = "4929251897047956";
/// The same number as people write it.
const GROUPED: &str = "4929 2518 9704 7956";
/// A code that no other test uses; too short to search for without its quotes.
const CODE: &str = "\"739\"";
/// A text that may be stored, which proves that the search covers the right files.
const DESCRIPTION: &str = "canary-order-51-of-the-search";

fn paying(number: &str) -> Value {
    let mut body = example(number);
    body["card"]["exp_year"] = json!(2030);
    body["card"]["cvc"] = json!("739");
    body["description"] = json!(DESCRIPTION);
    body
}

/// Sends canaries in the right and in wrong fields.
async fn send_canaries(gateway: &Gateway) -> Result<Vec<Response>> {
    let mut answers = Vec::new();
    for number in [NUMBER, cards::APPROVES_THEN_RESETS, cards::DECLINED] {
        answers.push(gateway.post("/v1/payments", &paying(number)).await?);
    }
    for key in ["canary", NUMBER] {
        let request = gateway.posting("/v1/payments", &paying(NUMBER));
        answers.push(gateway.send(request.header("Idempotency-Key", key)).await?);
    }
    for (field, value) in [
        ("description", json!(GROUPED)),
        ("metadata", json!({"note": NUMBER})),
        ("metadata", json!({ NUMBER: 1 })),
        ("customer", json!({"name": NUMBER})),
        ("card", paying(&NUMBER.replace('6', "5"))["card"].clone()),
        ("amount", json!(NUMBER)),
        (NUMBER, json!(true)),
    ] {
        let mut wrong = paying(NUMBER);
        wrong[field] = value;
        let answer = gateway.post("/v1/payments", &wrong).await?;
        ensure!(answer.status == 400, "{field}: {}", answer.text);
        answers.push(answer);
    }
    answers.push(gateway.get(&format!("/v1/payments/{NUMBER}")).await?);
    Ok(answers)
}

#[tokio::test]
async fn no_card_number_code_or_secret_is_stored_anywhere() -> Result<()> {
    let scene = Scene::with(Options {
        own_stores: true,
        ..Options::default()
    })
    .await?;
    let gateway = &scene.gateway;
    let endpoint = gateway
        .register("/v1/webhooks", &scene.receiver.url("/second"))
        .await?;
    let mut answers = send_canaries(gateway).await?;
    // A sealed card waits while the worker is down.
    gateway.kill(Process::Card)?;
    let body = paying(NUMBER);
    let (waiting, launched) = tokio::join!(
        gateway.post("/v1/payments", &body),
        gateway.launch(&[Process::Card])
    );
    launched?;
    answers.push(waiting?);
    gateway.drain().await?;
    gateway.checkpoint().await?;

    let responses: String = answers.iter().map(|answer| answer.text.as_str()).collect();
    assert!(responses.contains(DESCRIPTION));
    let merchant = &gateway.merchant;
    let canaries = [
        NUMBER,
        GROUPED,
        CODE,
        cards::APPROVES_THEN_RESETS,
        cards::DECLINED,
        &merchant.test_key,
        &merchant.live_key,
        &merchant.client_secret,
        &endpoint.secret,
    ];
    let stores = gateway.stores().dir();
    let first = answers
        .first()
        .map(|answer| answer.at("/id"))
        .unwrap_or_default();
    let job = payment_id(first)?.to_string();
    // The search covers tables, the write-ahead log, messages and the acquirer's log.
    for (place, expected) in [
        (stores.join("postgres/base"), DESCRIPTION),
        (stores.join("postgres/pg_wal"), DESCRIPTION),
        (stores.join("rabbitmq/data"), job.as_str()),
        (gateway.directory().join("acquirer.jsonl"), first),
    ] {
        let found = search(&place, expected).await?;
        assert!(
            !found.is_empty(),
            "{expected} is not in {}",
            place.display()
        );
    }
    for canary in canaries {
        assert!(!responses.contains(canary), "{canary} is in a response");
        // All files of this gateway are below its directory, those of its stores too.
        let found = search(gateway.directory(), canary).await?;
        assert!(found.is_empty(), "{canary} is in {found}");
    }
    scene.finish().await
}

/// The files below a folder that contain a text.
async fn search(folder: &Path, text: &str) -> Result<String> {
    let mut grep = Command::new("grep");
    let grep = grep.args(["-rlaF", "--devices=skip", "-e", text, "--"]);
    // Files may vanish during the search: errors about them do not matter.
    let done = grep.arg(folder).output().await?;
    Ok(String::from_utf8(done.stdout)?)
}
