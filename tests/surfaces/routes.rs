//! Unknown paths and methods.

use anyhow::{Context, Result};
use reqwest::Method;
use tests::{Gateway, cards, example, run_cases};

use super::{expect_error, refusal};

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        unknown_paths_and_wrong_methods_have_the_surfaces_errors,
        a_path_that_is_not_utf_8_is_not_found,
        paths_outside_the_surfaces_have_our_errors_too,
        every_response_has_rate_limit_headers,
    )
}

async fn unknown_paths_and_wrong_methods_have_the_surfaces_errors(gateway: &Gateway) -> Result<()> {
    let long = format!("/v1/payments/{}", "x".repeat(5_000));
    let unknown = refusal(404, "route_unknown", "");
    let missing = refusal(404, "resource_missing", "");
    // Outside all surfaces: finternet's code for a missing object.
    let nowhere = refusal(404, "resource_missing", "");
    let method = refusal(405, "method_not_allowed", "");
    for (verb, path, expected) in [
        (Method::GET, "/", &nowhere),
        (Method::GET, "/v1", &unknown),
        (Method::GET, "/v1/", &unknown),
        (Method::GET, "/v3/payments", &nowhere),
        (Method::POST, "/v1/payments/pay", &method),
        (Method::GET, "/v1/payments/pay_1/refund", &method),
        (Method::GET, "/v1/payments/pay_1/refunds", &unknown),
        (Method::GET, "/v1//payments", &unknown),
        (Method::GET, "/4242424242424242", &nowhere),
        (Method::GET, "/.env", &nowhere),
        (Method::GET, "/v1/payments/4242424242424242", &missing),
        (
            Method::GET,
            "/v1/payments/4242%204242%204242%204242",
            &missing,
        ),
        (
            Method::GET,
            "/v1/payments/pay_1?card=4242424242424242",
            &missing,
        ),
        (
            Method::GET,
            "/v1/payments/pay_zzzzzzzzzzzzzzzzzzzzzz",
            &missing,
        ),
        (Method::GET, "/v1/payments/..%2f..%2fetc%2fpasswd", &missing),
        (Method::GET, "/v1/payments/%00", &missing),
        (Method::GET, "/v1/payments/'%20or%201=1", &missing),
        (Method::GET, &long, &missing),
        (Method::PUT, "/v1/payments", &method),
        (Method::DELETE, "/v1/payments", &method),
        (Method::PATCH, "/v1/payments/pay_1", &method),
        (Method::POST, "/v1/payments/pay_1", &method),
        (Method::OPTIONS, "/v1/payments", &method),
        (Method::TRACE, "/v1/payments", &method),
        (Method::PUT, "/v1/webhooks", &method),
        (Method::POST, "/v1/transactions", &method),
        (Method::DELETE, "/v1/customers/cus_1", &method),
        (Method::GET, "/v1/auth/token", &method),
    ] {
        let what = format!("{verb} {path}");
        let request = gateway.request(verb, path).json(&example(cards::APPROVED));
        let request = request.bearer_auth(gateway.merchant.test_key.as_str());
        if let Err(error) = expect_error(gateway, request, expected).await {
            anyhow::bail!("{what}: {error:#}");
        }
    }
    gateway.check_nothing_stored().await?;
    Ok(())
}

/// A path that is not UTF-8 has no id.
async fn a_path_that_is_not_utf_8_is_not_found(gateway: &Gateway) -> Result<()> {
    let request = gateway.request(Method::GET, "/v1/payments/%ff%fe");
    let request = request.bearer_auth(gateway.merchant.test_key.as_str());
    expect_error(gateway, request, &refusal(404, "resource_missing", "")).await?;
    Ok(())
}

/// Paths outside of all surfaces: the reference, and health.
async fn paths_outside_the_surfaces_have_our_errors_too(gateway: &Gateway) -> Result<()> {
    let paths = [
        "/docs",
        "/docs/",
        "/docs/payments",
        "/docs/reference",
        "/docs/style.css",
        "/openapi.json",
        "/postman.json",
        "/openapi/paygate.json",
        "/livez",
        "/readyz",
    ];
    for path in paths {
        for verb in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let method = refusal(405, "invalid_request", "");
            let request = gateway.request(verb.clone(), path);
            let answer = expect_error(gateway, request, &method)
                .await
                .with_context(|| format!("{verb} {path}"))?;
            assert_eq!(answer.header("allow"), "GET,HEAD");
        }
        let answer = gateway.send(gateway.request(Method::GET, path)).await?;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
    }
    for path in [
        "/docs/typo",
        "/docs/%ff",
        "/openapi/typo.json",
        "/openapi/paygate",
    ] {
        let request = gateway
            .request(Method::GET, path)
            .header("Accept", "text/html");
        let missing = refusal(404, "resource_missing", "");
        expect_error(gateway, request, &missing)
            .await
            .context(path)?;
    }
    Ok(())
}

async fn every_response_has_rate_limit_headers(gateway: &Gateway) -> Result<()> {
    let answers = [
        gateway.pay(cards::APPROVED).await?,
        gateway.get("/v1/payments/pay_1").await?,
        gateway.post("/v1/payments", &serde_json::json!({})).await?,
        gateway
            .send(gateway.request(Method::GET, "/v1/payments/pay_1"))
            .await?,
    ];
    for answer in &answers {
        for name in [
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
        ] {
            assert!(
                answer.header(name).parse::<u64>().is_ok(),
                "{name}: {}",
                answer.text
            );
        }
        assert_eq!(answer.header("vary"), "Authorization, X-API-Key");
    }
    let mut ids: Vec<&str> = answers
        .iter()
        .map(|answer| answer.header("x-request-id"))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), answers.len());
    Ok(())
}
