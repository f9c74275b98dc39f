//! The hosted page.

use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tests::{Gateway, Response, cards, run_cases};

use super::{carried, create, example, get_as_payer, path_of, post};

/// The page loads nothing from elsewhere, runs no script, and cannot be framed or cached.
fn check_locked(page: &Response) {
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert!(!page.text.contains("<script") && !page.text.contains("<form"));
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        the_page_states_the_payment,
        only_the_id_in_the_url_counts,
        a_wrong_url_shows_no_payment,
        texts_are_escaped,
        the_rate_limited_page_says_when_to_retry,
    )
}

async fn the_page_states_the_payment(gateway: &Gateway) -> Result<()> {
    let created = create(gateway).await?;
    let page = get_as_payer(gateway, path_of(gateway, created.at("/data/redirect"))?).await?;
    assert_eq!(page.status, 200, "{}", page.text);
    check_locked(&page);
    let id = created.at("/data/id_payment");
    for part in [
        "Payment to Demo shop",
        "500.00 <small>USD</small>",
        "Premium subscription payment",
        "<li>Premium Plan - Monthly</li>",
        "Test mode: no real money moves.",
        "Waiting for payment",
        "Open until ",
        "This page does not take cards",
        "pay@demo.example",
        &format!(r#"href="https://example.com/payment-result?id_payment={id}""#),
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    gateway.advance(Duration::from_hours(25)).await?;
    gateway.drain().await?;
    let page = get_as_payer(gateway, path_of(gateway, created.at("/data/redirect"))?).await?;
    assert!(
        page.text.contains("Expired") && page.text.contains("not paid in time"),
        "{}",
        page.text
    );
    let read = super::get(gateway, &format!("/v1/payments/{id}")).await?;
    assert_eq!(read.at("/status"), "canceled");
    Ok(())
}

/// The URL's other parameters are ignored: the page shows the row of its id.
async fn only_the_id_in_the_url_counts(gateway: &Gateway) -> Result<()> {
    let created = create(gateway).await?;
    let forged = carried(created.at("/data/redirect"))?
        .replace("500.00", "5.00")
        .replace("Demo shop", "Evil shop")
        .replace("https://example.com/", "https://evil.example/");
    let forged = STANDARD.encode(forged);
    let page = get_as_payer(gateway, &format!("/checkout/?data={forged}")).await?;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("500.00") && !page.text.to_lowercase().contains("evil"),
        "{}",
        page.text
    );
    Ok(())
}

async fn a_wrong_url_shows_no_payment(gateway: &Gateway) -> Result<()> {
    let paid = gateway.pay(cards::APPROVED).await?;
    let naming = |id: &str| STANDARD.encode(json!({"id_payment": id}).to_string());
    for data in [
        String::new(),
        "x".to_owned(),
        "%ff%00".to_owned(),
        STANDARD.encode("{}"),
        naming("pay_0000000000000000000001"),
        // A payment without a page.
        naming(paid.at("/id")),
    ] {
        for path in ["/checkout/", "/checkout"] {
            let page = get_as_payer(gateway, &format!("{path}?data={data}")).await?;
            assert_eq!(page.status, 404, "{data}: {}", page.text);
            assert!(page.text.contains("This link does not lead to a payment"));
            check_locked(&page);
        }
    }
    assert_eq!(get_as_payer(gateway, "/checkout/").await?.status, 404);
    Ok(())
}

/// The merchant's texts are escaped.
async fn texts_are_escaped(gateway: &Gateway) -> Result<()> {
    let mut body = example();
    body["description"] = json!("<script>alert(1)</script> & \"ümläut\" > ~ 💳");
    body["items"] = json!(["<img src=x onerror=alert(1)>", "'; drop table payments; --"]);
    body["return_url"] = json!("https://example.com/?a=\"onmouseover=\"alert(1)&b='<x>");
    let created = post(gateway, "/v1/payments/", &body).await?;
    assert_eq!(created.status, 202, "{}", created.text);
    let page = get_as_payer(gateway, path_of(gateway, created.at("/data/redirect"))?).await?;
    check_locked(&page);
    let shown = "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;ümläut&quot; &gt; ~ 💳";
    assert!(page.text.contains(shown), "{}", page.text);
    assert!(
        page.text
            .contains("<li>&lt;img src=x onerror=alert(1)&gt;</li>")
    );
    let (_, link) = page
        .text
        .split_once(r#"class="back" href=""#)
        .context("no link")?;
    let (link, _) = link.split_once('"').context("no end")?;
    assert!(
        !link.contains('<') && link.contains("id_payment=pay_"),
        "{link}"
    );
    Ok(())
}

/// A client address may load it 100 times a minute.
async fn the_rate_limited_page_says_when_to_retry(gateway: &Gateway) -> Result<()> {
    let mut limited = None;
    // Even if a minute ends in between, one of the two exceeds the limit.
    for _ in 0..201 {
        let page = get_as_payer(gateway, "/checkout/").await?;
        if page.status == 429 {
            limited = Some(page);
            break;
        }
    }
    let limited = limited.context("never limited")?;
    check_locked(&limited);
    let seconds: u64 = limited.header("retry-after").parse()?;
    assert!((1..=60).contains(&seconds), "{seconds}");
    Ok(())
}
