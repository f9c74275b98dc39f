//! Every row of the table of errors.

use anyhow::{Context, Result};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{Gateway, Options, Response, cards, run_cases};

use super::{basic, create, example, get_as_payer, missing, path_of, problem};
use crate::repeats_card;

fn check_headers(answer: &Response) {
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(!answer.header("x-request-id").is_empty());
    assert!(!repeats_card(&answer.text), "{}", answer.text);
}

/// One wrong field at a time in the document's body, and the response's content.
fn wrong_fields() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("amount", json!(null), "The amount field is required."),
        ("amount", json!(500), "The amount field must be a string."),
        (
            "currency",
            json!("usd"),
            "The currency field must be an ISO 4217 code in upper case, such as USD.",
        ),
        (
            "description",
            json!(format!("card {}", cards::APPROVED)),
            "The description field holds what looks like a card number. Nothing was stored.",
        ),
        (
            "items",
            json!([cards::APPROVED]),
            "The items field holds what looks like a card number. Nothing was stored.",
        ),
        (
            "return_url",
            json!("https://a:b@example.com/"),
            "The return_url field must not hold a user name or password.",
        ),
        (
            "customer",
            json!("cus_1"),
            "The customer field is not known.",
        ),
    ]
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        wrong_fields_are_named,
        requests_without_a_valid_key_are_refused,
        errors_of_bodies_paths_and_methods_have_the_same_shape,
        an_unresponsive_database_is_a_503,
    )
}

async fn wrong_fields_are_named(gateway: &Gateway) -> Result<()> {
    for path in ["/v1/payments/", "/v1/payments"] {
        for (name, value, content) in wrong_fields() {
            let mut body = example();
            body[name] = value.clone();
            let answer = gateway
                .send(basic(gateway, Method::POST, path).json(&body))
                .await?;
            let expected = (400, problem(400, "Invalid request", content));
            assert_eq!(
                (answer.status, answer.text.clone()),
                expected,
                "{name} {value}"
            );
            check_headers(&answer);
        }
    }
    gateway.check_nothing_stored().await?;
    Ok(())
}

/// Requests without a valid key, and their responses.
fn unauthenticated(gateway: &Gateway) -> Vec<(RequestBuilder, &'static str)> {
    let absent = r#"{"detail":"Authentication credentials were not provided."}"#;
    let wrong = r#"{"detail":"Invalid API key format."}"#;
    let asking = || gateway.request(Method::GET, "/v1/payments/");
    let with = |value: &str| asking().header("Authorization", value);
    // The document: "ensure Basic Auth header includes the trailing colon".
    let key = gateway.merchant.test_key.as_str();
    let no_colon = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, key);
    vec![
        (asking(), absent),
        (
            gateway.request(Method::GET, "/v1/payments/internal"),
            absent,
        ),
        (
            gateway
                .request(Method::POST, "/v1/payments/")
                .json(&example()),
            absent,
        ),
        (with(&format!("Basic {no_colon}")), wrong),
        (with("Basic not-base64!"), wrong),
        (with("Basic c2tfdGVzdF81MU82MnhZekFiY0RlZjEyMzo="), wrong),
        (with("Api-Key sk_test_wrong"), wrong),
        (asking().header("X-API-Key", "sk_test_wrong"), wrong),
        (asking().basic_auth("", Some("")), absent),
        // Two keys of two merchants.
        (
            asking()
                .basic_auth(key, Some(""))
                .header("X-API-Key", gateway.other_merchant.test_key.as_str()),
            wrong,
        ),
    ]
}

async fn requests_without_a_valid_key_are_refused(gateway: &Gateway) -> Result<()> {
    for (request, expected) in unauthenticated(gateway) {
        let answer = gateway.send(request).await?;
        assert_eq!((answer.status, answer.text.as_str()), (401, expected));
        check_headers(&answer);
    }
    gateway.check_nothing_stored().await?;
    Ok(())
}

async fn errors_of_bodies_paths_and_methods_have_the_same_shape(gateway: &Gateway) -> Result<()> {
    let at = |method, path| basic(gateway, method, path);
    let raw = |body: &'static str| {
        at(Method::POST, "/v1/payments/")
            .header("Content-Type", "application/json")
            .body(body)
    };
    let invalid = |content: &str| (400, problem(400, "Invalid request", content));
    let broken = invalid("The body is not valid JSON, names a key twice, or is nested too deep.");
    let method = (
        405,
        problem(
            405,
            "Method not allowed",
            "The path does not support this method.",
        ),
    );
    let unknown = (
        404,
        problem(404, "Page not found", "This API has no such path."),
    );
    let query = |name: &str, why: &str| invalid(&format!("The {name} field {why}."));
    for (request, expected) in [
        (raw("{"), broken.clone()),
        (raw(r#"{"amount":"1","amount":"2"}"#), broken),
        (raw("[]"), invalid("The body must be an object.")),
        (
            at(Method::POST, "/v1/payments/").body("amount=1"),
            invalid("Content-Type must be application/json."),
        ),
        (
            at(Method::GET, "/v1/payments/?limit=0"),
            query("limit", "must be an integer from 1 to 100"),
        ),
        (
            at(Method::GET, "/v1/payments/?offset=10001"),
            query("offset", "must be an integer from 0 to 10000"),
        ),
        (
            at(Method::GET, "/v1/payments/internal?test=maybe"),
            query("test", "must be true or false"),
        ),
        (
            at(Method::GET, "/v1/payments/pay_1?test=maybe"),
            query("test", "must be true or false"),
        ),
        (
            at(Method::GET, "/v1/payments/?status=paid"),
            query(
                "status",
                "must be pending, succeeded, completed, failed or canceled",
            ),
        ),
        (
            at(Method::GET, "/v1/customers/?page=0"),
            query("page", "must be an integer from 1 to 10001"),
        ),
        (at(Method::DELETE, "/v1/payments/"), method.clone()),
        (at(Method::PUT, "/v1/payments/internal"), method.clone()),
        (at(Method::DELETE, "/v1/refunds"), method),
        (at(Method::GET, "/v1/plans"), unknown.clone()),
        (at(Method::GET, "/v1/payments/pay_1/capture"), unknown),
        (at(Method::GET, "/v1/payments/pay_1"), (404, missing())),
    ] {
        let answer = gateway.send(request).await?;
        assert_eq!((answer.status, answer.text.clone()), expected);
        check_headers(&answer);
    }
    let key = at(Method::POST, "/v1/payments/")
        .json(&example())
        .header("Idempotency-Key", cards::APPROVED);
    let answer = gateway.send(key).await?;
    let content =
        "Idempotency-Key must have 1 to 255 printable ASCII characters and no card number.";
    assert_eq!((answer.status, answer.at("/content")), (400, content));
    gateway.check_nothing_stored().await?;
    Ok(())
}

#[tokio::test]
async fn live_keys_and_too_many_requests_are_refused() -> Result<()> {
    let options = Options {
        rate_limit: Some(2),
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    let live = gateway
        .request(Method::POST, "/v1/payments/")
        .basic_auth(gateway.merchant.live_key.as_str(), Some(""));
    let refused = gateway.send(live.json(&example())).await?;
    let content =
        "This gateway has no live acquirer. Nothing was stored. Use a test key (sk_test_…).";
    let expected = (403, problem(403, "Live mode unavailable", content));
    assert_eq!((refused.status, refused.text), expected);
    let mut last = None;
    // Even if a minute ends in between, one of the two exceeds the limit.
    for _ in 0..5 {
        let answer = gateway
            .send(basic(&gateway, Method::GET, "/v1/payments/"))
            .await?;
        last = Some(answer).filter(|answer| answer.status == 429).or(last);
    }
    let limited = last.context("never limited")?;
    let seconds = limited.header("retry-after");
    let expected = problem(
        429,
        "Too many requests",
        &format!("Try again in {seconds} seconds."),
    );
    assert_eq!(limited.text, expected);
    gateway.check_nothing_stored().await?;
    gateway.finish().await
}

/// A request that cannot be counted is not answered: 503. So is a page that cannot be read.
async fn an_unresponsive_database_is_a_503(gateway: &Gateway) -> Result<()> {
    let lock = gateway.lock_rate_limits().await?;
    let list = gateway
        .send(basic(gateway, Method::GET, "/v1/payments/"))
        .await?;
    lock.rollback().await?;
    let created = create(gateway).await?;
    let path = path_of(gateway, created.at("/data/redirect"))?;
    let page = get_as_payer(gateway, path);
    let page = gateway.without_tables(&["payments"], page).await?;
    let content = "Not available at the moment. Send the request again, with the same Idempotency-Key if it had one.";
    assert_eq!(
        (list.status, list.text),
        (503, problem(503, "Service unavailable", content))
    );
    assert_eq!(page.status, 503, "{}", page.text);
    assert_eq!(page.header("retry-after"), "1");
    assert!(
        page.text.contains("cannot be shown at the moment"),
        "{}",
        page.text
    );
    Ok(())
}
