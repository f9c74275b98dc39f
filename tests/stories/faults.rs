//! The sandbox's fault cards: whatever the acquirer does, every payment becomes final and is charged
//! exactly once or not at all.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use serde_json::Value;
use tests::{Gateway, Options, Receiver, cards, until};

struct Case {
    card: &'static str,
    status: &'static str,
    /// What the acquirer did in the end.
    did: &'static [&'static str],
}

const fn case(card: &'static str, status: &'static str, did: &'static [&'static str]) -> Case {
    Case { card, status, did }
}

const ONCE: &[&str] = &["approved", "captured"];

const CASES: [Case; 12] = [
    // Slow, very slow, silent.
    case(cards::SLOW, "succeeded", ONCE),
    case(cards::VERY_SLOW, "succeeded", ONCE),
    case(cards::APPROVES_SILENTLY, "succeeded", ONCE),
    // Late: the first attempt is voided, and refused when it arrives.
    case(
        cards::LATE,
        "succeeded",
        &["approved", "captured", "refused"],
    ),
    // Reset before: the first attempt never reached the acquirer, so its void names no payment.
    case(cards::RESETS, "succeeded", ONCE),
    case(cards::APPROVES_THEN_RESETS, "succeeded", ONCE),
    case(cards::APPROVES_WITH_HALF_A_BODY, "succeeded", ONCE),
    case(cards::APPROVES_WITH_500, "succeeded", ONCE),
    case(cards::UNAVAILABLE, "succeeded", ONCE),
    case(cards::APPROVES_ANOTHER_REFERENCE, "succeeded", ONCE),
    case(cards::CAPTURES_WITHOUT_RESPONSE, "succeeded", ONCE),
    case(cards::UNCAPTURABLE, "failed", &["approved", "voided"]),
];

#[tokio::test]
async fn every_fault_has_the_right_outcome() -> Result<()> {
    // "Not found" is believed after two seconds; a late approval comes after that.
    let gateway = Gateway::with(Options {
        pace_percent: 35,
        ..Options::default()
    })
    .await?;
    let receiver = Receiver::start().await?;
    gateway.register("/v1/webhooks", &receiver.url("/")).await?;
    let answers = try_join_all(CASES.iter().map(|case| gateway.pay(case.card))).await?;
    gateway.drain().await?;
    let mut wrong = Vec::new();
    for (case, answer) in CASES.iter().zip(&answers) {
        ensure!(answer.status == 200, "{}: {}", case.card, answer.text);
        let id = answer.at("/id");
        let read = gateway.get(&format!("/v1/payments/{id}")).await?;
        let mut did = gateway.acquirer_did(id)?;
        did.sort();
        if read.at("/status") != case.status || did != case.did {
            wrong.push(format!("{}: {} {did:?}", case.card, read.text));
        }
        // While it is in progress a payment is pending, never anything else.
        let first = answer.at("/status");
        if first != "pending" && first != case.status {
            wrong.push(format!("{}: first {first}", case.card));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let webhooks = receiver.requests();
    assert_eq!(webhooks.len(), CASES.len());
    for (case, answer) in CASES.iter().zip(&answers) {
        let of = |body: &Value| body["data"]["object"]["id"] == answer.body["id"];
        let bodies: Vec<Value> = webhooks
            .iter()
            .map(tests::Request::json)
            .filter(of)
            .collect();
        let statuses: Vec<&Value> = bodies
            .iter()
            .map(|b| &b["data"]["object"]["status"])
            .collect();
        assert_eq!(statuses, [case.status], "{}", case.card);
    }
    gateway.finish().await
}

#[tokio::test]
async fn a_payment_that_takes_longer_than_the_wait_is_pending_first() -> Result<()> {
    let options = Options {
        wait_ms: 300,
        pace_percent: 25,
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    // Approved after 750 ms.
    let first = gateway.pay_with_key(cards::SLOW, "slow").await?;
    assert_eq!((first.status, first.at("/status")), (200, "pending"));
    gateway.drain().await?;
    let later = gateway
        .get(&format!("/v1/payments/{}", first.at("/id")))
        .await?;
    assert_eq!(later.at("/status"), "succeeded");
    let replayed = gateway.pay_with_key(cards::SLOW, "slow").await?;
    assert_eq!(replayed.text, first.text);
    gateway.finish().await
}

/// The acquirer approves what it had acknowledged as void, after the worker stopped waiting. The payer
/// is charged once, and the other hold is released.
#[tokio::test]
async fn an_approval_despite_a_void_is_voided_again() -> Result<()> {
    let gateway = Gateway::with(Options {
        pace_percent: 35,
        ..Options::default()
    })
    .await?;
    let paid = gateway.pay(cards::LATE_DESPITE_VOID).await?;
    assert_eq!((paid.status, paid.at("/status")), (200, "succeeded"));
    until(
        "the late approval is there",
        Duration::from_secs(10),
        async || {
            let did = gateway.acquirer_did(paid.at("/id"))?;
            Ok((did.iter().filter(|did| *did == "approved").count() == 2).then_some(()))
        },
    )
    .await?;
    // The reversal is watched: a minute later it is enquired again.
    gateway.drain().await?;
    gateway.advance(Duration::from_mins(2)).await?;
    gateway.drain().await?;
    // The late approval comes before or after the second attempt's capture.
    let mut did = gateway.acquirer_did(paid.at("/id"))?;
    assert_eq!(did.last().map(String::as_str), Some("voided"));
    did.sort_unstable();
    assert_eq!(did, ["approved", "approved", "captured", "voided"]);
    gateway.finish().await
}
