//! Rate limits, and live keys without a live acquirer.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use futures::stream::{FuturesUnordered, StreamExt, TryStreamExt};
use reqwest::Method;
use serde_json::json;
use tests::{Gateway, Options, Process, Response, cards, example, until};

#[tokio::test]
async fn a_limit_is_counted_over_all_api_processes() -> Result<()> {
    let options = Options {
        rate_limit: Some(20),
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    gateway.launch(&[Process::SecondApi]).await?;
    gateway.young_minute().await?;
    let body = json!({"amount": 5000, "currency": "USD", "payment_method": "card"});
    let asked = (0..60).map(|number| {
        let process = if number % 2 == 0 {
            Process::Api
        } else {
            Process::SecondApi
        };
        let request = gateway.request_to(process, Method::POST, "/v1/payments");
        gateway.send(
            request
                .bearer_auth(gateway.merchant.test_key.as_str())
                .json(&body),
        )
    });
    let answers = try_join_all(asked).await?;
    let (passed, refused): (Vec<Response>, Vec<Response>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((passed.len(), refused.len()), (20, 40));
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    for answer in passed.iter().chain(&refused) {
        assert_eq!(answer.number("x-ratelimit-limit")?, 20);
        let reset = answer.number("x-ratelimit-reset")?;
        assert!(
            reset % 60 == 0 && (now..=now + 60).contains(&reset),
            "{reset} at {now}"
        );
    }
    let left = passed
        .iter()
        .map(|answer| answer.number("x-ratelimit-remaining"));
    let mut left: Vec<i64> = left.collect::<Result<_>>()?;
    left.sort_unstable();
    assert_eq!(left, (0..20).collect::<Vec<_>>());
    for answer in &refused {
        let found = (
            answer.status,
            answer.at("/error/code"),
            answer.at("/error/type"),
        );
        assert_eq!(found, (429, "rate_limit_exceeded", "rate_limit_error"));
        assert_eq!(answer.number("x-ratelimit-remaining")?, 0);
        assert!((1..=60).contains(&answer.number("retry-after")?));
    }
    let count = gateway.count("payments").await?;
    assert_eq!(count, 20);

    // Another merchant is not affected, and the next minute is new.
    let theirs = gateway.request(Method::GET, "/v1/payments/pay_0");
    let theirs = theirs.bearer_auth(gateway.other_merchant.test_key.as_str());
    assert_eq!(gateway.send(theirs).await?.status, 404);
    gateway.advance(Duration::from_mins(1)).await?;
    assert_eq!(gateway.get("/v1/payments/pay_0").await?.status, 404);
    gateway.finish().await
}

/// 24 requests may be in progress. One merchant has half of them while others may come.
#[tokio::test]
async fn one_merchants_slow_requests_leave_room_for_others() -> Result<()> {
    let options = Options {
        acquirer_timeout_ms: 5_000,
        env: vec![("SLUICE_CONNECTIONS", "32".to_owned())],
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    let mut slow: FuturesUnordered<_> = (0..24).map(|_| gateway.pay(cards::VERY_SLOW)).collect();
    let first = slow.next().await.context("no answer")??;
    assert_eq!(first.status, 503, "{}", first.text);
    assert_eq!(first.header("retry-after"), "1");
    let theirs = gateway.request(Method::POST, "/v1/payments");
    let theirs = theirs.bearer_auth(gateway.other_merchant.test_key.as_str());
    let theirs = gateway.send(theirs.json(&example(cards::APPROVED))).await?;
    assert_eq!((theirs.status, theirs.at("/status")), (200, "succeeded"));
    let rest: Vec<Response> = slow.try_collect().await?;
    let paid = rest.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(paid, 12);
    gateway.drain().await?;
    gateway.finish().await
}

/// With a high limit a process counts in memory first; all requests reach the common count.
#[tokio::test]
async fn requests_counted_in_memory_reach_the_database() -> Result<()> {
    let options = Options {
        rate_limit: Some(100_000),
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    gateway.launch(&[Process::SecondApi]).await?;
    gateway.young_minute().await?;
    let before = gateway.counted_requests().await?;
    let mut left = Vec::new();
    for process in [Process::Api, Process::SecondApi].repeat(15) {
        let request = gateway.request_to(process, Method::GET, "/v1/payments/pay_0");
        let request = request.bearer_auth(gateway.merchant.test_key.as_str());
        left.push(
            gateway
                .send(request)
                .await?
                .number("x-ratelimit-remaining")?,
        );
    }
    // Each process counts down by itself, at least by its own requests.
    for process in 0..2 {
        let own: Vec<_> = left.iter().skip(process).step_by(2).collect();
        assert!(own.is_sorted_by(|one, next| one > next), "{own:?}");
    }
    until("all are counted", Duration::from_secs(5), async || {
        Ok((gateway.counted_requests().await? == before + 30).then_some(()))
    })
    .await?;
    gateway.finish().await
}

#[tokio::test]
async fn guessed_keys_are_limited_by_client_address() -> Result<()> {
    let gateway = Gateway::start().await?;
    gateway.young_minute().await?;
    let guess = |key: &'static str| {
        let request = gateway.request(Method::GET, "/v1/payments/pay_0");
        gateway.send(request.bearer_auth(key))
    };
    let answers = try_join_all((0..120).map(|_| guess("sk_test_guess"))).await?;
    let of = |status| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!((of(401), of(429)), (100, 20));
    // A valid key is accepted all the same.
    assert_eq!(gateway.pay(cards::APPROVED).await?.status, 200);
    gateway.finish().await
}

#[tokio::test]
async fn a_live_key_takes_no_money_and_stores_nothing() -> Result<()> {
    let gateway = Gateway::start().await?;
    let live = |method, path: &str| {
        let request = gateway.request(method, path);
        request.bearer_auth(gateway.merchant.live_key.as_str())
    };
    let paying = live(Method::POST, "/v1/payments").header("Idempotency-Key", "real");
    let refused = gateway.send(paying.json(&example(cards::APPROVED))).await?;
    let found = (
        refused.status,
        refused.at("/error/code"),
        refused.at("/error/type"),
    );
    assert_eq!(found, (403, "live_mode_unavailable", "permission_error"));
    gateway.check_nothing_stored().await?;
    // Test data and live data are separate.
    let paid = gateway.pay(cards::APPROVED).await?;
    let path = format!("/v1/payments/{}", paid.at("/id"));
    assert_eq!(gateway.send(live(Method::GET, &path)).await?.status, 404);
    assert_eq!(gateway.get(&path).await?.status, 200);
    gateway.finish().await
}
