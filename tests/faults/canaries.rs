//! Card numbers and security codes that are sent, and then searched for everywhere.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::json;
use tests::{Options, Process, example};

use crate::scene::Scene;

/// A number nobody else uses; its check digit is right.
const NUMBER: &str = "4929251897047956";
/// The same one as people write it.
const GROUPED: &str = "4929 2518 9704 7956";
/// A code nobody else uses, too short to search for alone: with what stands around it.
const CVC: &str = "\"739\"";
/// What may be found, and so proves that the search looks where it should.
const SPOKEN: &str = "canary-order-51-of-the-search";

#[tokio::test]
async fn no_card_number_and_no_code_is_kept_anywhere() -> Result<()> {
    let scene = Scene::with(Options {
        own_stores: true,
        ..Options::default()
    })
    .await?;
    let gateway = &scene.gateway;
    let mut answers = Vec::new();
    let card =
        |number: &str| json!({"number": number, "exp_month": 12, "exp_year": 2030, "cvc": "739"});
    let mut paid = example(NUMBER);
    paid["card"] = card(NUMBER);
    paid["description"] = json!(SPOKEN);
    answers.push(gateway.post("/v1/payments", &paid).await?);
    let keyed = gateway
        .posting("/v1/payments", &paid)
        .header("Idempotency-Key", "canary");
    answers.push(gateway.send(keyed).await?);
    for (field, value) in [
        ("description", json!(GROUPED)),
        ("metadata", json!({"note": NUMBER})),
        ("metadata", json!({ NUMBER: 1 })),
        ("customer", json!({"name": NUMBER})),
        ("card", card(&NUMBER.replace('6', "5"))),
        ("amount", json!(NUMBER)),
        (NUMBER, json!(true)),
    ] {
        let mut wrong = paid.clone();
        wrong[field] = value;
        let answer = gateway.post("/v1/payments", &wrong).await?;
        assert_eq!(answer.status, 400, "{field}: {}", answer.text);
        answers.push(answer);
    }
    let keyed = gateway
        .posting("/v1/payments", &paid)
        .header("Idempotency-Key", NUMBER);
    answers.push(gateway.send(keyed).await?);
    answers.push(gateway.get(&format!("/v1/payments/{NUMBER}")).await?);
    // The worker holds a sealed card when it dies.
    gateway.kill(Process::Card)?;
    gateway.launch(&[Process::Card]).await?;
    gateway.settle().await?;
    sqlx::query("checkpoint")
        .execute(gateway.database())
        .await?;

    let said: String = answers.iter().map(|answer| answer.text.as_str()).collect();
    assert!(said.contains(SPOKEN));
    assert!(!said.contains(NUMBER) && !said.contains(GROUPED), "{said}");
    let (dir, stores) = (gateway.directory(), gateway.stores().dir());
    for place in [stores.join("postgres"), stores.join("postgres/pg_wal")] {
        assert!(
            holds(&place, SPOKEN)?,
            "the search finds nothing in {}",
            place.display()
        );
    }
    for place in [dir, stores] {
        for canary in [NUMBER, GROUPED, CVC] {
            assert!(
                !holds(place, canary)?,
                "{canary} is kept below {}",
                place.display()
            );
        }
    }
    scene.finish().await
}

/// Whether any file below a folder holds a text.
fn holds(folder: &Path, text: &str) -> Result<bool> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_found = if path.is_dir() {
            holds(&path, text)?
        } else {
            // A file may go while it is looked for.
            let bytes = fs::read(&path).unwrap_or_default();
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        };
        if is_found {
            return Ok(true);
        }
    }
    Ok(false)
}
