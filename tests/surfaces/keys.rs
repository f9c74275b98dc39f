//! Which keys are accepted.

use std::time::Duration;

use anyhow::Result;
use domain::merchant::{self, Mode};
use reqwest::{Method, RequestBuilder};
use tests::{Gateway, cards, example, run_cases, until};

use super::{expect_error, refusal};

fn paying(gateway: &Gateway) -> RequestBuilder {
    gateway
        .request(Method::POST, "/v1/payments")
        .json(&example(cards::APPROVED))
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        requests_without_a_valid_key_are_refused,
        a_revoked_key_soon_stops_working,
    )
}

async fn requests_without_a_valid_key_are_refused(gateway: &Gateway) -> Result<()> {
    let right = gateway.merchant.test_key.to_string();
    let unknown = merchant::key(Mode::Test, &[7; 32]).to_string();
    let missing = refusal(401, "missing_api_key", "");
    let invalid = refusal(401, "invalid_api_key", "");
    expect_error(gateway, paying(gateway), &missing).await?;
    for header in ["", "Bearer", &right, &format!("Token {right}")] {
        let request = paying(gateway).header("Authorization", header);
        expect_error(gateway, request, &missing).await?;
    }
    let altered = format!(
        "{}{}",
        right.trim_end_matches(char::is_alphanumeric),
        "x".repeat(50)
    );
    let longer = format!("{right}0");
    let shorter = right.get(..right.len() - 1).unwrap_or_default();
    let shouted = right.to_uppercase();
    let live = right.replace("sk_test_", "sk_live_");
    let long = "x".repeat(10_000);
    let twice = format!("{right} {right}");
    for key in [
        "",
        "x",
        "sk_test_",
        cards::APPROVED,
        "' or 1=1 --",
        "null",
        &unknown,
        &altered,
        &longer,
        shorter,
        &shouted,
        &live,
        &long,
        &twice,
    ] {
        let request = paying(gateway).header("Authorization", format!("Bearer {key} "));
        let expected = if key.is_empty() { &missing } else { &invalid };
        if let Err(error) = expect_error(gateway, request, expected).await {
            // HTTP trims the end of a header, which leaves the scheme alone.
            anyhow::bail!("{key:?}: {error:#}");
        }
    }
    let request = paying(gateway).header("Authorization", "Bearer schlüssel".as_bytes());
    expect_error(gateway, request, &invalid).await?;
    for path in ["/v1/transactions", "/v1/customers", "/v1/webhooks"] {
        expect_error(gateway, gateway.request(Method::GET, path), &missing).await?;
    }
    gateway.check_nothing_stored().await?;
    let loosely = paying(gateway).header("Authorization", format!("bearer  {right}"));
    assert_eq!(gateway.send(loosely).await?.status, 200);
    Ok(())
}

async fn a_revoked_key_soon_stops_working(gateway: &Gateway) -> Result<()> {
    assert_eq!(gateway.pay(cards::APPROVED).await?.status, 200);
    for merchant in [&gateway.merchant, &gateway.other_merchant] {
        gateway.revoke_keys(merchant).await?;
    }
    let never_seen = paying(gateway).bearer_auth(gateway.other_merchant.test_key.as_str());
    expect_error(gateway, never_seen, &refusal(401, "invalid_api_key", "")).await?;
    until(
        "the key is forgotten",
        Duration::from_secs(10),
        async || {
            let answer = gateway.get("/v1/payments/pay_0").await?;
            Ok((answer.status == 401).then_some(()))
        },
    )
    .await?;
    Ok(())
}
