//! Bodies that are not the JSON they should be.

use anyhow::{Result, ensure};
use reqwest::{Method, RequestBuilder};
use tests::{Gateway, cards, example, run_cases};

use super::{check_error, expect_error, refusal};

fn with_body(gateway: &Gateway, body: impl Into<reqwest::Body>) -> RequestBuilder {
    let request = gateway.request(Method::POST, "/v1/payments");
    request
        .bearer_auth(gateway.merchant.test_key.as_str())
        .body(body)
}

/// Bodies made of the example, broken in every way.
fn broken() -> Vec<(&'static str, Vec<u8>)> {
    let whole = example(cards::APPROVED).to_string();
    let nested =
        |open: &str, close: &str, depth| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let twice = whole.replacen('{', r#"{"amount":5000,"#, 1);
    vec![
        ("nothing", Vec::new()),
        ("blank", b"  \n".to_vec()),
        (
            "half",
            whole.get(..whole.len() / 2).unwrap_or_default().into(),
        ),
        ("two", format!("{whole}{whole}").into()),
        ("a rest", format!("{whole} x").into()),
        ("a byte order mark", format!("\u{feff}{whole}").into()),
        (
            "a comma too many",
            whole.replace("}}", "},}").replace("\"}", "\",}").into(),
        ),
        ("single quotes", whole.replace('"', "'").into()),
        ("a key twice", twice.clone().into()),
        (
            "a key twice inside",
            whole.replacen("\"cvc\"", "\"cvc\":\"1\",\"cvc\"", 1).into(),
        ),
        ("infinity", whole.replacen("5000", "1e999", 1).into()),
        (
            "a number that would change",
            whole
                .replacen('{', r#"{"metadata":{"n":12345678901234567890123},"#, 1)
                .into(),
        ),
        ("no number", whole.replacen("5000", "NaN", 1).into()),
        ("hexadecimal", whole.replacen("5000", "0x1388", 1).into()),
        ("a leading zero", whole.replacen("5000", "05000", 1).into()),
        ("a plus", whole.replacen("5000", "+5000", 1).into()),
        (
            "half a surrogate",
            whole.replacen("John", r"\ud800", 1).into(),
        ),
        (
            "not UTF-8",
            whole
                .replacen("John", "J\u{1}", 1)
                .into_bytes()
                .iter()
                .map(|b| if *b == 1 { 0xff } else { *b })
                .collect(),
        ),
        ("deep arrays", nested("[", "]", 17).into()),
        ("deeper arrays", nested("[", "]", 30_000).into()),
        (
            "deep objects",
            format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000)).into(),
        ),
        ("an array", format!("[{whole}]").into()),
        ("a text", format!("\"{}\"", cards::APPROVED).into()),
        ("a number", cards::APPROVED.into()),
        ("null", "null".into()),
        ("a form", "amount=5000&currency=USD".into()),
        ("XML", "<amount>5000</amount>".into()),
    ]
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        malformed_or_ambiguous_json_is_refused,
        only_json_is_read,
        a_huge_body_is_not_read,
        idempotency_keys_are_short_plain_and_hold_no_card_number,
    )
}

async fn malformed_or_ambiguous_json_is_refused(gateway: &Gateway) -> Result<()> {
    let mut wrong = Vec::new();
    for (name, body) in broken() {
        let request = with_body(gateway, body).header("Content-Type", "application/json");
        if let Err(error) = expect_error(gateway, request, &refusal(400, "body_invalid", "")).await
        {
            wrong.push(format!("{name}: {error:#}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    gateway.check_nothing_stored().await?;
    Ok(())
}

async fn only_json_is_read(gateway: &Gateway) -> Result<()> {
    let body = example(cards::APPROVED).to_string();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonp",
        "application/json5",
        "json",
        "",
    ] {
        let request = with_body(gateway, body.clone()).header("Content-Type", kind);
        expect_error(gateway, request, &refusal(400, "body_invalid", "")).await?;
    }
    expect_error(
        gateway,
        with_body(gateway, body.clone()),
        &refusal(400, "body_invalid", ""),
    )
    .await?;
    gateway.check_nothing_stored().await?;
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
    ] {
        let request = with_body(gateway, body.clone()).header("Content-Type", kind);
        assert_eq!(gateway.send(request).await?.status, 200, "{kind}");
    }
    Ok(())
}

async fn a_huge_body_is_not_read(gateway: &Gateway) -> Result<()> {
    let padded = |size: usize| {
        let mut body = example(cards::APPROVED).to_string();
        body.push_str(&" ".repeat(size.saturating_sub(body.len())));
        with_body(gateway, body).header("Content-Type", "application/json")
    };
    expect_error(
        gateway,
        padded(64 * 1024 + 1),
        &refusal(400, "body_invalid", ""),
    )
    .await?;
    // The answer to more may be overtaken by the end of the connection; a payment it is never.
    for size in [1 << 20, 8 << 20] {
        if let Ok(answer) = gateway.send(padded(size)).await {
            ensure!(answer.status == 400, "{}", answer.text);
            check_error(&answer)?;
        }
    }
    gateway.check_nothing_stored().await?;
    assert_eq!(gateway.send(padded(64 * 1024)).await?.status, 200);
    Ok(())
}

async fn idempotency_keys_are_short_plain_and_hold_no_card_number(gateway: &Gateway) -> Result<()> {
    let long = "k".repeat(256);
    let grouped = "order 4242-4242-4242-4242";
    for key in ["", cards::APPROVED, grouped, long.as_str(), "schlüssel"] {
        let request = gateway.posting("/v1/payments", &example(cards::APPROVED));
        let request = request.header("Idempotency-Key", key.as_bytes());
        expect_error(
            gateway,
            request,
            &refusal(400, "idempotency_key_invalid", ""),
        )
        .await?;
    }
    gateway.check_nothing_stored().await?;
    let longest = "k".repeat(255);
    assert_eq!(
        gateway
            .pay_with_key(cards::APPROVED, &longest)
            .await?
            .status,
        200
    );
    Ok(())
}
