//! What callers without a valid key cost the database.

use anyhow::{Context, Result, ensure};
use domain::merchant::{self, Mode};
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use tests::{Gateway, Options, Process, Response, cards};

/// A gateway whose API logs every request and statement.
async fn logging() -> Result<Gateway> {
    let options = Options {
        env: vec![("RUST_LOG", "info,api=debug,sqlx::query=debug".to_owned())],
        ..Options::default()
    };
    Gateway::with(options).await
}

/// How many statements with this text the API has run.
fn statements(gateway: &Gateway, text: &str) -> usize {
    gateway.log(Process::Api).matches(text).count()
}

fn of(answers: &[Response], status: u16) -> usize {
    let answers = answers.iter().filter(|answer| answer.status == status);
    answers.count()
}

#[tokio::test]
async fn guessed_keys_are_counted_before_they_are_looked_up() -> Result<()> {
    const LOOK_UP: &str = "summary=\"select id as";
    let gateway = logging().await?;
    gateway.young_minute().await?;
    let ask = |key: String| {
        let request = gateway.request(Method::GET, "/v1/payments/pay_0");
        gateway.send(request.bearer_auth(key))
    };
    // Keys with a valid checksum, as anyone can make them.
    let forged = |number: u8| merchant::key(Mode::Test, &[number; 32]).to_string();
    // A key that was valid is known, even when its cached lookup is too old.
    assert_eq!(gateway.pay(cards::APPROVED).await?.status, 200);
    let before = statements(&gateway, LOOK_UP);
    ensure!(before > 0, "no lookup is logged");
    for _ in 0..3 {
        assert_eq!(ask(forged(0)).await?.status, 401);
    }
    assert_eq!(statements(&gateway, LOOK_UP), before + 1);
    let asked = stream::iter(1..=250).map(|number| ask(forged(number)));
    let answers: Vec<Response> = asked.buffered(4).try_collect().await?;
    assert_eq!((of(&answers, 401), of(&answers, 429)), (97, 153));
    for answer in answers.iter().filter(|answer| answer.status == 429) {
        ensure!((1..=60).contains(&answer.number("retry-after")?));
        assert_eq!(answer.number("x-ratelimit-remaining")?, 0);
    }
    let lookups = statements(&gateway, LOOK_UP) - before;
    ensure!((98..=100).contains(&lookups), "{lookups} lookups");
    // Nothing of it was counted in the database: what is there is the valid key's.
    assert_eq!(gateway.counted_requests().await?, 1);
    assert_eq!(gateway.pay(cards::APPROVED).await?.status, 200);
    gateway.finish().await
}

#[tokio::test]
async fn health_checks_share_one_and_each_request_is_logged() -> Result<()> {
    const PING: &str = "summary=\"select 1\"";
    let gateway = logging().await?;
    let before = statements(&gateway, PING);
    let ask = |_| gateway.send(gateway.request(Method::GET, "/readyz"));
    let answers = try_join_all((0..200).map(ask)).await?;
    assert_eq!(of(&answers, 200), 200);
    let checks = statements(&gateway, PING) - before;
    ensure!(checks < 10, "{checks} checks");

    let read = gateway.get("/api/v1/payments/pay_hidden?hidden=1").await?;
    let strange = Method::from_bytes(b"HIDDEN")?;
    gateway.send(gateway.request(strange, "/hidden")).await?;
    let log = gateway.log(Process::Api);
    let id = read.header("x-request-id");
    let line = log
        .lines()
        .find(|line| line.contains(id) && line.contains("responded"));
    let line = line.context("the response is not logged")?;
    for part in [
        r#"route="/api/v1/payments/{id}""#,
        r#"method="GET""#,
        // The parameter is unknown.
        "status=400",
        "ms=",
    ] {
        ensure!(line.contains(part), "{part}: {line}");
    }
    ensure!(log.contains(r#"route="/readyz""#) && log.contains(r#"method="other""#));
    ensure!(!log.to_lowercase().contains("hidden"));
    gateway.finish().await
}
