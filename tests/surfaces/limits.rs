//! The rate limit on every surface: in each response, and when it is exceeded.

use std::time::Duration;

use anyhow::{Result, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{Gateway, Options, until};

const SURFACES: [&str; 4] = ["finternet", "paygate", "finfusion", "fourgeeks"];

/// A request of a surface, with its own credential.
fn of(gateway: &Gateway, surface: &str, method: Method, path: &str, key: &str) -> RequestBuilder {
    let request = gateway.request(method, path);
    match surface {
        "finternet" => request.header("X-API-Key", key),
        "fourgeeks" => request.basic_auth(key, Some("")),
        _ => request.bearer_auth(key),
    }
}

fn list(surface: &str) -> &'static str {
    match surface {
        "finternet" => "/v1/payment-intents",
        "paygate" => "/v1/transactions",
        "finfusion" => "/v2/payments",
        _ => "/v1/payments/",
    }
}

#[tokio::test]
async fn every_response_has_the_rate_limit_headers() -> Result<()> {
    let options = Options {
        rate_limit: None,
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    gateway.young_minute().await?;
    let key = gateway.merchant.test_key.as_str();
    for surface in SURFACES {
        let list = list(surface);
        let wrong = if surface == "paygate" {
            "/v1/payments"
        } else {
            list
        };
        let asked = [
            (Method::GET, list.to_owned(), 200),
            (Method::POST, wrong.to_owned(), 400),
            (
                Method::GET,
                format!("{}/x/y/z", list.trim_end_matches('/')),
                404,
            ),
            (Method::DELETE, list.to_owned(), 405),
        ];
        // Each surface has a minute of its own: its first request is its first.
        for (count, (method, path, status)) in (1..).zip(asked) {
            let answer = gateway
                .send(of(&gateway, surface, method, &path, key))
                .await?;
            assert_eq!(answer.status, status, "{surface} {path}: {}", answer.text);
            assert_eq!(answer.number("x-ratelimit-limit")?, 100, "{surface}");
            assert_eq!(
                answer.number("x-ratelimit-remaining")?,
                100 - count,
                "{surface}"
            );
            assert_eq!(answer.number("x-ratelimit-reset")? % 60, 0, "{surface}");
        }
    }
    // Unauthenticated requests are counted too, on every surface.
    for surface in SURFACES {
        let unknown = of(&gateway, surface, Method::GET, list(surface), "sk_test_0");
        let answer = gateway.send(unknown).await?;
        assert_eq!(answer.status, 401, "{surface}: {}", answer.text);
        assert_eq!(answer.number("x-ratelimit-remaining")?, 99, "{surface}");
    }
    // Live keys of finternet may ask ten times as often.
    for (surface, limit) in SURFACES.into_iter().zip([1_000, 100, 100, 100]) {
        let live = gateway.merchant.live_key.as_str();
        let request = of(&gateway, surface, Method::GET, list(surface), live);
        let answer = gateway.send(request).await?;
        assert_eq!(answer.number("x-ratelimit-limit")?, limit, "{surface}");
    }
    gateway.finish().await
}

/// A surface's error when the limit is exceeded, without the seconds.
fn too_many(surface: &str, seconds: i64) -> Value {
    match surface {
        "finternet" => json!({"error": {
            "code": "rate_limit_exceeded", "type": "rate_limit_error", "retryAfter": seconds,
            "message": format!("Rate limit exceeded. Retry after {seconds} seconds.")
        }}),
        "paygate" => json!({"error": {
            "type": "rate_limit_error", "code": "rate_limit_exceeded",
            "message": format!("Too many requests. Try again in {seconds} seconds.")
        }}),
        "finfusion" => json!({"error": {
            "type": "RateLimitError", "code": "RATE001",
            "message": format!("Rate limit exceeded. Try again in {seconds} seconds.")
        }}),
        _ => json!({
            "code": 429, "title": "Too many requests", "type": "danger",
            "content": format!("Try again in {seconds} seconds.")
        }),
    }
}

#[tokio::test]
async fn a_rate_limited_request_says_when_to_retry_on_every_surface() -> Result<()> {
    let options = Options {
        rate_limit: Some(2),
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    gateway.young_minute().await?;
    let key = gateway.merchant.test_key.as_str();
    for surface in SURFACES {
        let ask = || gateway.send(of(&gateway, surface, Method::GET, list(surface), key));
        for _ in 0..2 {
            assert_eq!(ask().await?.status, 200, "{surface}");
        }
        let refused = ask().await?;
        let seconds = refused.number("retry-after")?;
        ensure!((1..=60).contains(&seconds), "{surface}: {seconds}");
        assert_eq!(
            (refused.status, &refused.body),
            (429, &too_many(surface, seconds)),
            "{surface}"
        );
        assert_eq!(refused.number("x-ratelimit-remaining")?, 0, "{surface}");
    }
    // The operator raises the limit; the API reads it with the next lookup of the key.
    let merchant = gateway.merchant.merchant_id.to_string();
    gateway
        .operate(&["merchant", "rate-limit", &merchant, "500"])
        .await?;
    until(
        "the new limit counts",
        Duration::from_secs(10),
        async || {
            let request = of(&gateway, "paygate", Method::GET, list("paygate"), key);
            let answer = gateway.send(request).await?;
            Ok((answer.status == 200 && answer.number("x-ratelimit-limit")? == 500).then_some(()))
        },
    )
    .await?;
    gateway.finish().await
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_address_has_its_own_limit() -> Result<()> {
    let options = Options {
        env: vec![("SLUICE_TRUSTED_PROXIES", "127.0.0.0/8,::1/128".to_owned())],
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    gateway.young_minute().await?;
    for (forwarded_for, remaining) in [
        ("203.0.113.9", 99),
        ("203.0.113.9", 98),
        ("203.0.113.10", 99),
        // What a client writes itself, before the proxy adds where it was asked from.
        ("203.0.113.11, 203.0.113.9", 97),
        ("2001:db8:0:1::1", 99),
        ("2001:db8:0:1::2", 98),
        ("2001:db8:0:2::1", 99),
    ] {
        let request = gateway.request(Method::GET, "/v1/transactions");
        let request = request.header("X-Forwarded-For", forwarded_for);
        let answer = gateway.send(request).await?;
        assert_eq!(answer.status, 401, "{}", answer.text);
        let left = answer.number("x-ratelimit-remaining")?;
        assert_eq!(left, remaining, "{forwarded_for}");
    }
    gateway.finish().await
}

/// Payers behind one proxy share nothing but the proxy.
#[tokio::test]
async fn behind_a_trusted_proxy_each_payer_has_a_limit_of_its_own_on_pages() -> Result<()> {
    let options = Options {
        env: vec![("SLUICE_TRUSTED_PROXIES", "127.0.0.0/8,::1/128".to_owned())],
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    gateway.young_minute().await?;
    for payer in 0..130 {
        let request = gateway.request(Method::GET, "/checkout/");
        let request = request.header("X-Forwarded-For", format!("203.0.113.{payer}"));
        let answer = gateway.send(request).await?;
        assert_eq!(answer.status, 404, "{payer}");
        assert_eq!(answer.number("x-ratelimit-remaining")?, 99, "{payer}");
    }
    gateway.finish().await
}
