//! The signatures of webhooks, checked by hand and by public libraries.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tests::{Gateway, Receiver, Request, cards, run_cases};

use crate::clients::{run, script, tools};

fn hmac(key: &[u8], signed: &str) -> Result<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)?;
    mac.update(signed.as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}

/// Checks the documented algorithms by hand: the plain digest keyed with the whole secret, and `v1`
/// of Standard Webhooks keyed with its bytes.
pub fn check(request: &Request, secret: &str) -> Result<()> {
    let plain = hex::encode(hmac(secret.as_bytes(), &request.text)?);
    for name in [
        "x-webhook-signature",
        "finternet-signature",
        "x-finfusion-signature",
    ] {
        ensure!(
            request.header(name) == plain,
            "{name}: {}",
            request.header(name)
        );
    }
    let bytes = BASE64.decode(secret.strip_prefix("whsec_").context("not a secret")?)?;
    let (id, at) = (
        request.header("webhook-id"),
        request.header("webhook-timestamp"),
    );
    let v1 = hmac(&bytes, &format!("{id}.{at}.{}", request.text))?;
    let v1 = format!("v1,{}", BASE64.encode(v1));
    let signatures = request.header("webhook-signature");
    ensure!(signatures.split(' ').any(|one| one == v1), "{signatures}");
    ensure!(request.json()["id"] == json!(id), "the ids differ");
    Ok(())
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        third_party_libraries_verify_webhooks,
        v1a_signatures_are_sent_to_endpoints_that_want_them,
        the_merchants_secret_verifies_too,
    )
}

async fn third_party_libraries_verify_webhooks(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let endpoint = gateway.register("/v1/webhooks", &receiver.url("/")).await?;
    gateway.pay(cards::APPROVED).await?;
    let webhooks = receiver.wait_for(1).await?;
    let webhooks = webhooks.first().context("no webhook")?;
    check(webhooks, &endpoint.secret)?;
    assert!(
        check(
            webhooks,
            "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        )
        .is_err()
    );

    let tools = tools().await?;
    let names = webhooks.headers.keys();
    let headers: BTreeMap<&str, &str> = names
        .map(|name| (name.as_str(), webhooks.header(name.as_str())))
        .collect();
    let input = json!({
        "payload": webhooks.text, "headers": headers,
        "secret": endpoint.secret, "public_key": endpoint.public_key,
    })
    .to_string();
    let python = format!("{tools}/venv/bin/python");
    assert_eq!(
        run(&python, &[&script("verify.py")], &input).await?,
        "verified\n"
    );
    assert_eq!(
        run("node", &[&script("verify.mjs"), &tools], &input).await?,
        "verified\n"
    );
    Ok(())
}

async fn v1a_signatures_are_sent_to_endpoints_that_want_them(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let asked = json!({"url": receiver.url("/")});
    let plain = gateway.register_as("/v1/webhooks", &asked).await?;
    assert_eq!(plain.public_key, None);
    gateway.pay(cards::APPROVED).await?;
    let webhooks = receiver.wait_for(1).await?;
    let webhooks = webhooks.first().context("no webhook")?;
    check(webhooks, &plain.secret)?;
    assert!(!webhooks.header("webhook-signature").contains("v1a,"));
    Ok(())
}

/// One verifier can serve all endpoints of a merchant: each webhook is signed under the merchant's
/// secret too, as the operator's command line shows it.
async fn the_merchants_secret_verifies_too(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    gateway.register("/v1/webhooks", &receiver.url("/")).await?;
    gateway.pay(cards::APPROVED).await?;
    let webhooks = receiver.wait_for(1).await?;
    let webhooks = webhooks.first().context("no webhook")?;
    let key = wire::signature::Key::new(gateway.webhook_key()?);
    let merchants = key
        .merchant(
            gateway.merchant.merchant_id,
            domain::merchant::Mode::Test,
            0,
        )
        .text();
    let headers = Value::from(webhooks.header("webhook-signature"));
    let headers = json!({
        "webhook-id": webhooks.header("webhook-id"),
        "webhook-timestamp": webhooks.header("webhook-timestamp"),
        "webhook-signature": headers,
    });
    let input = json!({"payload": webhooks.text, "headers": headers, "secret": merchants.as_str()});
    let python = format!("{}/venv/bin/python", tools().await?);
    let verified = run(&python, &[&script("verify.py")], &input.to_string()).await?;
    assert_eq!(verified, "verified\n");
    Ok(())
}
