//! The job schedule as operators see it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{Gateway, Process, cards, payment_id};

use super::read;

pub async fn parked_jobs_are_listed_and_redriven(gateway: &Gateway) -> Result<()> {
    gateway.kill(Process::Card)?;
    let pending = gateway.pay(cards::APPROVED).await?;
    let (id, other) = (pending.at("/id"), gateway.pay(cards::APPROVED).await?);
    let park = "update jobs set parked_at = now(), error = $2 where id = $1";
    let park = sqlx::query(park).bind(payment_id(id)?);
    park.bind("the private\u{1b}[31m key is missing")
        .execute(gateway.database())
        .await?;
    let merchant = gateway.merchant.merchant_id.to_string();
    let list = gateway.operate(&["jobs", "list", "--parked"]).await?;
    let line = list
        .lines()
        .find(|line| line.contains(id))
        .unwrap_or_default();
    for part in [
        "card",
        &merchant,
        "test",
        "parked",
        "the private [31m key is missing",
    ] {
        ensure!(line.contains(part), "{part}: {list}");
    }
    ensure!(!list.contains(other.at("/id")), "{list}");
    let found = async |arguments: &[&str]| -> Result<Vec<Value>> {
        let all = [&["jobs", "list", "--json"], arguments].concat();
        let listed = read(gateway, &all).await?;
        listed.as_array().cloned().context("no list")
    };
    let one = found(&["--parked", "--merchant", &merchant]).await?;
    assert_eq!(one.len(), 1);
    for (name, expected) in [
        ("subject", json!(id)),
        ("worker", json!("card")),
        ("merchant_id", json!(merchant)),
        ("merchant", json!("Demo shop")),
        ("error", json!("the private\u{1b}[31m key is missing")),
    ] {
        assert_eq!(one[0][name], expected);
    }
    assert_eq!(
        found(&["--worker=card", "--merchant", &merchant])
            .await?
            .len(),
        2
    );
    assert_eq!(found(&["--subject", id]).await?.len(), 1);
    assert_eq!(
        found(&["--failed", "--merchant", &merchant]).await?.len(),
        1
    );
    assert_eq!(found(&["--limit=1"]).await?.len(), 1);
    let elsewhere = gateway.other_merchant.merchant_id.to_string();
    for none in [
        vec!["--worker=refund", "--merchant", &merchant],
        vec!["--merchant", &elsewhere],
    ] {
        assert_eq!(found(&none).await?.len(), 0, "{none:?}");
    }
    let more = gateway.operate(&["jobs", "list", "--limit", "1"]).await?;
    ensure!(more.contains("There are more"), "{more}");

    let waiting = gateway
        .sluice(&["jobs", "redrive", other.at("/id")])
        .await?;
    ensure!(
        waiting.code == Some(1) && waiting.errors.contains("no such job is parked"),
        "{waiting:#?}"
    );
    assert_eq!(
        gateway.operate(&["jobs", "redrive", id]).await?,
        "1 redriven\n"
    );
    let audit = read(gateway, &["audit", "--limit=1", "--json"]).await?;
    assert_eq!(audit[0]["action"], "job.redriven");
    assert_eq!(audit[0]["subject"], payment_id(id)?.to_string());
    gateway.launch(&[Process::Card]).await?;
    gateway.drain().await
}
