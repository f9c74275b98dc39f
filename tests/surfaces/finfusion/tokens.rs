//! Access tokens by OAuth 2.0.

use anyhow::{Context, Result};
use reqwest::{Method, RequestBuilder};
use tests::{Gateway, run_cases};

use super::expect_error;
use crate::plain::plain;

type Pair<'a> = (&'static str, &'a str);

fn asking<'a>(gateway: &'a Gateway, more: &[Pair<'a>]) -> RequestBuilder {
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", gateway.merchant.client_id.as_str()),
        ("client_secret", gateway.merchant.client_secret.as_str()),
    ];
    form.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    form.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form);
    let request = gateway.request(Method::POST, "/oauth/token");
    let request = request.header("Content-Type", "application/x-www-form-urlencoded");
    request.body(body.finish())
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_token_is_issued_for_a_scope_and_works,
        a_token_without_the_scope_is_refused,
        credentials_may_be_sent_by_http_basic,
        an_expired_token_is_refused,
        wrong_requests_get_no_token,
    )
}

async fn a_token_is_issued_for_a_scope_and_works(gateway: &Gateway) -> Result<()> {
    for (scope, granted) in [
        (vec![], "payments accounts"),
        (vec![("scope", "payments accounts")], "payments accounts"),
        (vec![("scope", "payments")], "payments"),
        (vec![("audience", "x")], "payments accounts"),
    ] {
        let issued = gateway.send(asking(gateway, &scope)).await?;
        let printed = format!(
            r#"{{"access_token":"at_…","token_type":"Bearer","expires_in":3600,"scope":"{granted}"}}"#
        );
        assert_eq!((issued.status, plain(&issued.text)), (200, printed));
        assert_eq!(issued.header("cache-control"), "no-store");
        for path in ["/v2/payments", "/v2/webhooks", "/v1/transactions"] {
            let request = gateway.request(Method::GET, path);
            let request = request.bearer_auth(issued.at("/access_token"));
            assert_eq!(gateway.send(request).await?.status, 200, "{path}");
        }
    }
    Ok(())
}

async fn a_token_without_the_scope_is_refused(gateway: &Gateway) -> Result<()> {
    let issued = gateway
        .send(asking(gateway, &[("scope", "accounts")]))
        .await?;
    assert_eq!(issued.at("/scope"), "accounts");
    for (method, path, pointer, code) in [
        (Method::GET, "/v2/payments", "/error/code", "AUTH003"),
        (Method::POST, "/v2/payments", "/error/code", "AUTH003"),
        (
            Method::GET,
            "/v1/transactions",
            "/error/code",
            "scope_missing",
        ),
        (
            Method::GET,
            "/v1/payment-intents",
            "/error/code",
            "forbidden",
        ),
    ] {
        let request = gateway.request(method, path);
        let request = request.bearer_auth(issued.at("/access_token"));
        let refused = gateway.send(request).await?;
        assert_eq!((refused.status, refused.at(pointer)), (403, code), "{path}");
    }
    Ok(())
}

/// Most OAuth clients send their credentials this way.
async fn credentials_may_be_sent_by_http_basic(gateway: &Gateway) -> Result<()> {
    let merchant = &gateway.merchant;
    let (id, secret) = (&merchant.client_id, merchant.client_secret.as_str());
    let theirs = gateway.other_merchant.client_secret.as_str();
    let without = [("client_id", ""), ("client_secret", "")];
    let bare = || asking(gateway, &without);
    let issued = gateway.send(bare().basic_auth(id, Some(secret))).await?;
    assert_eq!(issued.status, 200, "{}", issued.text);
    let request = gateway.request(Method::GET, "/v2/payments");
    let request = request.bearer_auth(issued.at("/access_token"));
    assert_eq!(gateway.send(request).await?.status, 200);
    for (request, expected) in [
        (
            asking(gateway, &[]).basic_auth(id, Some(secret)),
            (400, "VAL001", "client_id"),
        ),
        (bare().basic_auth(id, Some(theirs)), (401, "AUTH001", "")),
        (
            bare().header("Authorization", "Basic x"),
            (401, "AUTH001", ""),
        ),
        (bare(), (400, "VAL001", "client_id")),
    ] {
        expect_error(gateway, request, expected).await?;
    }
    Ok(())
}

async fn an_expired_token_is_refused(gateway: &Gateway) -> Result<()> {
    let issued = gateway.send(asking(gateway, &[])).await?;
    gateway.expire_access_tokens().await?;
    let request = gateway.request(Method::GET, "/v2/payments");
    let request = request.bearer_auth(issued.at("/access_token"));
    expect_error(gateway, request, (401, "AUTH002", "")).await?;
    Ok(())
}

async fn wrong_requests_get_no_token(gateway: &Gateway) -> Result<()> {
    let theirs = gateway.other_merchant.client_secret.as_str();
    for (more, expected) in [
        (("client_secret", theirs), (401, "AUTH001", "")),
        (("client_id", "client_1"), (401, "AUTH001", "")),
        (("scope", "admin"), (401, "AUTH003", "")),
        (("scope", "payments admin"), (401, "AUTH003", "")),
        (("grant_type", "password"), (400, "VAL001", "grant_type")),
        (("grant_type", ""), (400, "VAL001", "grant_type")),
        (("client_id", ""), (400, "VAL001", "client_id")),
        (("client_secret", ""), (400, "VAL001", "client_secret")),
    ] {
        let answer = expect_error(gateway, asking(gateway, &[more]), expected).await;
        answer.with_context(|| more.0)?;
    }
    let json = gateway.request(Method::POST, "/oauth/token");
    let json = json.json(&serde_json::json!({"grant_type": "client_credentials"}));
    expect_error(gateway, json, (400, "VAL001", "")).await?;
    gateway.check_nothing_stored().await?;
    Ok(())
}
