//! Access tokens.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Response, cards, example, run_cases};

use crate::plain::plain;
use crate::{expect_error, refusal};

async fn exchange(gateway: &Gateway) -> Result<Response> {
    let body = json!({
        "client_id": gateway.merchant.client_id,
        "client_secret": gateway.merchant.client_secret.as_str()
    });
    // No Authorization is needed here.
    let request = gateway.request(Method::POST, "/v1/auth/token").json(&body);
    gateway.send(request).await
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_token_works_like_a_key,
        an_expired_token_is_refused,
        wrong_credentials_get_no_token,
    )
}

async fn a_token_works_like_a_key(gateway: &Gateway) -> Result<()> {
    let issued = exchange(gateway).await?;
    let printed = r#"{"access_token":"at_…","token_type":"Bearer","expires_in":3600}"#;
    assert_eq!(
        (issued.status, plain(&issued.text).as_str()),
        (200, printed)
    );
    assert_eq!(issued.header("cache-control"), "no-store");
    let token = issued.at("/access_token");
    let another = exchange(gateway).await?;
    assert_ne!(another.at("/access_token"), token);

    let post = |path: &str, body: Value| {
        let request = gateway.request(Method::POST, path).json(&body);
        gateway.send(request.bearer_auth(token))
    };
    let paid = post("/v1/payments", example(cards::APPROVED)).await?;
    assert_eq!((paid.status, paid.at("/status")), (200, "succeeded"));
    let path = format!("/v1/payments/{}", paid.at("/id"));
    for path in [
        path.as_str(),
        "/v1/transactions",
        "/v1/customers",
        "/v1/webhooks",
        "/v2/payments",
        "/v1/payment-intents",
    ] {
        let request = gateway.request(Method::GET, path).bearer_auth(token);
        assert_eq!(gateway.send(request).await?.status, 200, "{path}");
    }
    let refund = post(&format!("{path}/refund"), json!({})).await?;
    assert_eq!(refund.status, 200, "{}", refund.text);
    // It is the merchant's: the key sees what the token made.
    assert_eq!(
        gateway.get(&path).await?.body["amount_refunded"],
        json!(5000)
    );
    Ok(())
}

async fn an_expired_token_is_refused(gateway: &Gateway) -> Result<()> {
    let issued = exchange(gateway).await?;
    let token = issued.at("/access_token");
    gateway.expire_access_tokens().await?;
    let expired = gateway
        .request(Method::GET, "/v1/transactions")
        .bearer_auth(token);
    expect_error(gateway, expired, &refusal(401, "token_expired", "")).await?;
    let mut altered = token.to_owned();
    altered.pop().context("a token")?;
    for unknown in [altered.as_str(), "at_", "at_x"] {
        let request = gateway
            .request(Method::GET, "/v1/transactions")
            .bearer_auth(unknown);
        expect_error(gateway, request, &refusal(401, "invalid_api_key", "")).await?;
    }
    Ok(())
}

async fn wrong_credentials_get_no_token(gateway: &Gateway) -> Result<()> {
    let id = gateway.merchant.client_id.as_str();
    let secret = gateway.merchant.client_secret.as_str();
    let theirs = gateway.other_merchant.client_secret.as_str();
    let key = gateway.merchant.test_key.as_str();
    for (body, status, code, param) in [
        (
            json!({"client_id": id, "client_secret": theirs}),
            401,
            "invalid_client",
            "",
        ),
        (
            json!({"client_id": id, "client_secret": ""}),
            401,
            "invalid_client",
            "",
        ),
        (
            json!({"client_id": "client_1", "client_secret": secret}),
            401,
            "invalid_client",
            "",
        ),
        (
            json!({"client_id": cards::APPROVED, "client_secret": cards::APPROVED}),
            401,
            "invalid_client",
            "",
        ),
        (
            json!({"client_id": key, "client_secret": key}),
            401,
            "invalid_client",
            "",
        ),
        (
            json!({"client_secret": secret}),
            400,
            "parameter_missing",
            "client_id",
        ),
        (
            json!({"client_id": id}),
            400,
            "parameter_missing",
            "client_secret",
        ),
        (
            json!({"client_id": id, "client_secret": null}),
            400,
            "parameter_missing",
            "client_secret",
        ),
        (
            json!({"client_id": [id], "client_secret": secret}),
            400,
            "parameter_invalid",
            "client_id",
        ),
        (
            json!({"client_id": "\u{0}", "client_secret": secret}),
            400,
            "parameter_invalid",
            "client_id",
        ),
        (
            json!({"client_id": id, "client_secret": secret, "scope": "x"}),
            400,
            "parameter_unknown",
            "scope",
        ),
        (json!([]), 400, "body_invalid", ""),
    ] {
        let request = gateway.request(Method::POST, "/v1/auth/token").json(&body);
        let answer = expect_error(gateway, request, &refusal(status, code, param)).await;
        answer.with_context(|| format!("{code} {param}"))?;
    }
    let form = gateway.request(Method::POST, "/v1/auth/token");
    let form = form.header("Content-Type", "application/x-www-form-urlencoded");
    let form = form.body(format!("client_id={id}&client_secret={secret}"));
    expect_error(gateway, form, &refusal(400, "body_invalid", "")).await?;
    gateway.check_nothing_stored().await?;
    Ok(())
}
