//! What `sluice status` says about a healthy gateway, and about one that needs a person.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Url;
use serde_json::{Value, json};
use tests::{Behaviour, Gateway, Process, Ran, Receiver, cards, payment_id, until};

use super::json;

const SOON: Duration = Duration::from_secs(20);

/// Waits until the status has these problems.
async fn until_problems(gateway: &Gateway, expected: &[&str]) -> Result<Value> {
    let found = until("the status changes", SOON, async || {
        let status = json(&gateway.sluice(&["status", "--json"]).await?)?;
        let problems = status["problems"].as_array().context("no problems")?;
        let whats: Vec<_> = problems
            .iter()
            .filter_map(|one| one["what"].as_str())
            .collect();
        Ok((whats == expected).then(|| status.clone()))
    })
    .await;
    let now = gateway.sluice(&["status"]).await?;
    found.with_context(|| format!("{expected:?}: {now:#?}"))
}

fn worker<'a>(status: &'a Value, name: &str) -> Result<&'a Value> {
    let mut workers = status["workers"].as_array().context("no workers")?.iter();
    workers
        .find(|one| one["worker"] == name)
        .context("no worker")
}

pub async fn what_needs_a_person_is_said(gateway: &Gateway) -> Result<()> {
    let status = until_problems(gateway, &[]).await?;
    assert_eq!(status["healthy"], true);
    assert_eq!(status["api"], json!({"ready": true}));
    assert_eq!(
        status["database"]["schema"],
        status["database"]["schema_expected"]
    );
    for name in ["card", "refund", "webhook"] {
        let one = worker(&status, name)?;
        assert_eq!(
            (&one["processes"], &one["consumers"]),
            (&json!(1), &json!(1)),
            "{one}"
        );
    }
    let shown = gateway.sluice(&["status"]).await?;
    assert_eq!(shown.code, Some(0), "{shown:#?}");
    ensure!(shown.output.ends_with("\nhealthy\n"), "{}", shown.output);
    ensure!(
        shown.output.lines().count() <= 24,
        "more than a screen: {}",
        shown.output
    );

    gateway.kill(Process::Card)?;
    gateway.kill(Process::Api)?;
    let no_api = format!(
        "the API is not ready: no answer at {}",
        gateway.address(Process::Api)
    );
    until_problems(gateway, &[&no_api, "no card worker is running"]).await?;
    gateway.launch(&[Process::Api]).await?;
    let pending = gateway.pay(cards::APPROVED).await?;
    let other = gateway.pay(cards::APPROVED).await?;
    let park = "update jobs set parked_at = now(), error = 'no key' where id = $1";
    let park = sqlx::query(park).bind(payment_id(pending.at("/id"))?);
    park.execute(gateway.database()).await?;
    // The other was published seven times: the waits before, of 2, 4, 8, 16, 32, 60 and 60 seconds, end
    // in half a minute.
    let wait =
        "update jobs set due_at = now() + interval '30 seconds', publish_count = 7 where id = $1";
    let wait = sqlx::query(wait).bind(payment_id(other.at("/id"))?);
    wait.execute(gateway.database()).await?;
    let expected = ["no card worker is running", "1 card job is parked"];
    let status = until_problems(gateway, &expected).await?;
    let card = worker(&status, "card")?;
    assert_eq!(
        (&card["parked"], &card["due"], &card["consumers"]),
        (&json!(1), &json!(1), &json!(0))
    );
    let backlog = card["oldest_due_seconds"].as_i64().unwrap_or_default();
    ensure!((150..250).contains(&backlog), "{card}");
    let shown = gateway.sluice(&["status"]).await?;
    assert_eq!(shown.code, Some(1), "{shown:#?}");
    for text in [
        "needs a person",
        "Start `workers card`",
        "sluice jobs list --parked --worker card",
    ] {
        ensure!(shown.output.contains(text), "{text}: {}", shown.output);
    }
    gateway.operate(&["jobs", "redrive", "--all"]).await?;
    gateway.launch(&[Process::Card]).await?;
    gateway.drain().await?;
    gateway.terminate(Process::Scheduler).await?;
    until_problems(gateway, &["no scheduler is running"]).await?;
    gateway.launch(&[Process::Scheduler]).await?;
    until_problems(gateway, &[]).await?;
    stores_that_do_not_answer(gateway).await
}

async fn stores_that_do_not_answer(gateway: &Gateway) -> Result<()> {
    let script = "AMQP_URL=amqp://guest:guest@127.0.0.1:1/x \"$SLUICE\" status";
    let ran: Ran = gateway.sluice_script(script).await?;
    ensure!(ran.code == Some(1), "{ran:#?}");
    ensure!(
        ran.output
            .contains("the broker is unreachable at 127.0.0.1:1"),
        "{ran:#?}"
    );
    ensure!(!ran.output.contains("guest"), "{ran:#?}");
    let mut url = Url::parse(&gateway.amqp_url())?;
    ensure!(url.set_password(Some("secret")).is_ok(), "{url}");
    let ran = gateway
        .sluice_script(&format!("AMQP_URL='{url}' \"$SLUICE\" status"))
        .await?;
    ensure!(
        ran.output.contains("the broker refused the login"),
        "{ran:#?}"
    );
    let nowhere = "postgres://ada:secret@127.0.0.1:1/sluice";
    let ran = gateway.sluice_as(nowhere, &["status"]).await?;
    ensure!(ran.code == Some(1), "{ran:#?}");
    ensure!(
        ran.output
            .contains("cannot reach the database at 127.0.0.1:1"),
        "{ran:#?}"
    );
    ensure!(ran.output.contains("broker     reachable"), "{ran:#?}");
    ensure!(!ran.output.contains("secret"), "{ran:#?}");
    // Without addresses, what cannot be asked is not judged.
    let script = "env -u AMQP_URL -u SLUICE_URL \"$SLUICE\" status";
    let ran = gateway.sluice_script(script).await?;
    ensure!(ran.code == Some(0), "{ran:#?}");
    ensure!(ran.output.contains("broker     not checked"), "{ran:#?}");
    Ok(())
}

pub async fn endpoints_that_fail_are_shown(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    receiver.behave(Behaviour::Status(500));
    let secret_url = receiver.url("/hooks/secret");
    let endpoint = gateway.register("/v1/webhooks", &secret_url).await?;
    gateway.pay(cards::APPROVED).await?;
    receiver.wait_for(1).await?;
    let merchant = gateway.merchant.merchant_id.to_string();
    let status = until("the failure is recorded", SOON, async || {
        let status = json(&gateway.sluice(&["status", "--json"]).await?)?;
        Ok((status["failing_endpoints_count"] == 1).then_some(status))
    })
    .await?;
    // The merchant has to fix it, not the operator.
    assert_eq!(status["healthy"], true, "{status}");
    let failing = &status["failing_endpoints"][0];
    assert_eq!(failing["id"], endpoint.id.as_str());
    assert_eq!(failing["merchant_id"], merchant.as_str());
    let shown = gateway.operate(&["status"]).await?;
    ensure!(
        shown.contains("1 endpoint failing") && shown.contains(&endpoint.id),
        "{shown}"
    );
    ensure!(!shown.contains("/hooks/secret"), "{shown}");
    receiver.behave(Behaviour::Status(200));
    gateway.advance(Duration::from_hours(1)).await?;
    gateway.drain().await
}
