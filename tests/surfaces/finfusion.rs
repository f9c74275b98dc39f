//! finfusion's paths are refused in finfusion's words.

use anyhow::Result;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tests::{Endpoint, Gateway};

use super::{CARD, check_nothing_stored, repeats_card};

type Case = (RequestBuilder, u16, &'static str, &'static str);

/// Requests with the status, the code and the field they are refused with.
fn cases(gateway: &Gateway) -> Vec<Case> {
    let url = "https://example.com/hook";
    let known = |body| gateway.posting("/v2/webhooks", &body);
    let right = json!({"url": url, "events": ["payment.succeeded"]});
    let bare = gateway.request(Method::POST, "/v2/webhooks").json(&right);
    let wrong = bare
        .try_clone()
        .map(|bare| bare.bearer_auth("sk_test_wrong"));
    let text = gateway
        .request(Method::POST, "/v2/webhooks")
        .bearer_auth(gateway.merchant.test_key.as_str())
        .body("url=x");
    let at = |method, path| {
        gateway
            .request(method, path)
            .bearer_auth(gateway.merchant.test_key.as_str())
    };
    let mut cases = vec![
        (bare, 401, "AUTH001", ""),
        (text, 400, "VAL001", ""),
        (known(json!([])), 400, "VAL001", ""),
        (known(json!({})), 400, "VAL002", "url"),
        (known(json!({"url": 7})), 400, "VAL002", "url"),
        (
            known(json!({"url": "http://10.0.0.1/"})),
            400,
            "VAL002",
            "url",
        ),
        (
            known(json!({"url": url, "events": []})),
            400,
            "VAL002",
            "events",
        ),
        (
            known(json!({"url": url, "events": ["refund.created"]})),
            400,
            "VAL002",
            "events",
        ),
        (
            known(json!({"url": url, "events": "*"})),
            400,
            "VAL002",
            "events",
        ),
        (
            known(json!({"url": url, "signature": "v2"})),
            400,
            "VAL002",
            "signature",
        ),
        (
            known(json!({"url": url, "secret": "x"})),
            400,
            "VAL002",
            "secret",
        ),
        (
            known(json!({"url": url, "metadata": {"card": CARD}})),
            400,
            "VAL002",
            "metadata",
        ),
        (
            known(json!({"url": format!("https://example.com/{CARD}")})),
            400,
            "VAL002",
            "url",
        ),
        (at(Method::GET, "/v2/payments"), 404, "VAL003", ""),
        (at(Method::POST, "/oauth/token"), 404, "VAL003", ""),
        (at(Method::GET, "/v2/webhooks"), 405, "VAL001", ""),
    ];
    cases.extend(wrong.map(|wrong| (wrong, 401, "AUTH001", "")));
    cases
}

#[tokio::test]
async fn refusals_have_finfusions_shape() -> Result<()> {
    let gateway = Gateway::start().await?;
    for (request, status, code, param) in cases(&gateway) {
        let kind = if status == 401 {
            "AuthenticationError"
        } else {
            "ValidationError"
        };
        let answer = gateway.send(request).await?;
        let found = (
            answer.status,
            answer.at("/error/type"),
            answer.at("/error/code"),
        );
        assert_eq!(found, (status, kind, code), "{}", answer.text);
        assert_eq!(answer.at("/error/param"), param, "{}", answer.text);
        assert_eq!(answer.at("/error/details/param"), param, "{}", answer.text);
        assert!(!answer.at("/error/message").is_empty() && !repeats_card(&answer.text));
        assert_eq!(answer.header("content-type"), "application/json");
    }
    check_nothing_stored(&gateway).await?;
    gateway.finish().await
}

#[tokio::test]
async fn an_endpoint_is_answered_as_each_surface_writes_it() -> Result<()> {
    let gateway = Gateway::start().await?;
    let asked = json!({
        "url": "https://example.com/hook", "events": ["payment.succeeded"],
        "metadata": {"team": "books"}, "signature": "v1a"
    });
    for path in [
        "/v1/webhooks",
        "/api/v1/webhooks",
        "/v2/webhooks",
        "/api/v2/webhooks",
    ] {
        let answer = gateway.post(path, &asked).await?;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert!(answer.at("/id").starts_with("whk_") && answer.at("/secret").starts_with("whsec_"));
        assert!(answer.at("/public_key").starts_with("whpk_"));
        let found = (
            &answer.body["url"],
            &answer.body["events"],
            &answer.body["metadata"],
        );
        assert_eq!(found, (&asked["url"], &asked["events"], &asked["metadata"]));
        assert_eq!(answer.at("/status"), "active");
        let is_iso = answer.at("/created_at").ends_with('Z');
        assert_eq!(
            (is_iso, answer.body["created"].is_i64()),
            (path.contains("/v2/"), path.contains("/v1/"))
        );
    }
    // By default everything is told, signed as v1.
    let Endpoint { public_key, .. } = gateway
        .register_as("/v2/webhooks", &json!({"url": "https://example.com/"}))
        .await?;
    assert_eq!(public_key, None);
    gateway.finish().await
}
