//! Rolling the secrets that sign webhooks.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use tests::{Gateway, Receiver, Request, run_cases};

use crate::signatures::check;
use crate::webhook_surfaces::{SURFACES, Surface};

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        two_secrets_sign_while_one_replaces_the_other,
        the_response_with_a_secret_is_replayed,
        an_operator_rolls_a_secret,
    )
}

/// Whether a request has a `v1` signature of this secret.
fn is_signed(request: &Request, secret: &str) -> Result<bool> {
    let key = BASE64.decode(secret.strip_prefix("whsec_").context("not a secret")?)?;
    let signed = ["webhook-id", "webhook-timestamp"].map(|name| request.header(name));
    let mut mac = Hmac::<Sha256>::new_from_slice(&key)?;
    mac.update(format!("{}.{}", signed.join("."), request.text).as_bytes());
    let v1 = format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()));
    let mut signatures = request.header("webhook-signature").split(' ');
    Ok(signatures.any(|one| one == v1))
}

/// Sends a test event, and tells which of the secrets signed it.
async fn signed(
    gateway: &Gateway,
    surface: &Surface,
    path: &str,
    receiver: &Receiver,
    secrets: [&str; 2],
) -> Result<[bool; 2]> {
    surface
        .post(gateway, &format!("{path}/test"), &json!({}))
        .await?;
    gateway.drain().await?;
    let sent = receiver.requests();
    let sent = sent.last().context("nothing was sent")?;
    Ok([is_signed(sent, secrets[0])?, is_signed(sent, secrets[1])?])
}

async fn two_secrets_sign_while_one_replaces_the_other(gateway: &Gateway) -> Result<()> {
    for surface in SURFACES {
        let receiver = Receiver::start().await?;
        let (path, old) = surface
            .register(gateway, &receiver.url("/"), json!(["*"]))
            .await?;
        let roll = async |body: Value| -> Result<String> {
            let rolled = surface
                .post(gateway, &format!("{path}/roll-secret"), &body)
                .await?;
            ensure!(rolled.status == 200, "{}", rolled.text);
            let secret = surface.field(&rolled.body, "secret").as_str();
            Ok(secret.context("no secret")?.to_owned())
        };
        let signed = async |secrets| signed(gateway, &surface, &path, &receiver, secrets).await;
        let new = roll(json!({})).await?;
        assert_ne!(old, new);
        assert_eq!(signed([&old, &new]).await?, [true, true]);
        check(receiver.requests().last().context("nothing")?, &new)?;
        let shown = surface.get(gateway, &path).await?;
        ensure!(!shown.text.contains("whsec_"), "{}", shown.text);
        ensure!(
            !surface
                .field(&shown.body, "previous_secret_until")
                .is_null()
        );
        gateway.advance(Duration::from_hours(25)).await?;
        assert_eq!(signed([&old, &new]).await?, [false, true]);
        let at_once = roll(json!({"overlap": 0})).await?;
        assert_eq!(signed([&new, &at_once]).await?, [false, true]);
        let wrong = json!({"overlap": 604_801});
        let refused = surface
            .post(gateway, &format!("{path}/roll-secret"), &wrong)
            .await?;
        assert_eq!(refused.status, 400, "{}", refused.text);
        surface
            .send(gateway, Method::DELETE, &path, &json!({}))
            .await?;
    }
    Ok(())
}

async fn the_response_with_a_secret_is_replayed(gateway: &Gateway) -> Result<()> {
    for surface in SURFACES {
        let url = "https://example.com/";
        let (path, _) = surface.register(gateway, url, json!(["*"])).await?;
        let roll = format!("{path}/roll-secret");
        let keyed = |key: &str| {
            let request = surface.of(gateway, &gateway.merchant, Method::POST, &roll);
            gateway.send(request.header("Idempotency-Key", format!("{path} {key}")))
        };
        let first = keyed("first").await?;
        let second = keyed("second").await?;
        assert_ne!(first.text, second.text);
        assert_eq!(keyed("first").await?.text, first.text);
        assert_eq!(keyed("second").await?.text, second.text);
        for stored in gateway.stored_responses().await?.into_iter().flatten() {
            ensure!(!stored.contains("whsec_"), "{stored}");
        }
    }
    Ok(())
}

async fn an_operator_rolls_a_secret(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let (path, of_endpoint) = SURFACES[0]
        .register(gateway, &receiver.url("/"), json!(["*"]))
        .await?;
    let endpoint = path.rsplit('/').next().context("no id")?;
    let merchant = gateway.merchant.merchant_id;
    let key = wire::signature::Key::new(gateway.webhook_key()?);
    let of_merchant = key.merchant(merchant, domain::merchant::Mode::Test, 0);
    check_rolls(gateway, &path, &receiver, endpoint, of_endpoint).await?;
    let (merchant, of_merchant) = (merchant.to_string(), of_merchant.text().to_string());
    check_rolls(gateway, &path, &receiver, &merchant, of_merchant).await?;
    let actions = gateway.operate(&["audit"]).await?;
    for action in ["webhook_secret.rolled", "\"webhook_secret_version\":2"] {
        ensure!(actions.contains(action), "{actions}");
    }
    Ok(())
}

async fn check_rolls(
    gateway: &Gateway,
    path: &str,
    receiver: &Receiver,
    id: &str,
    old: String,
) -> Result<()> {
    let roll = async |overlap: &str| -> Result<Value> {
        let rolled = gateway
            .operate(&["key", "roll", id, overlap, "--json"])
            .await?;
        Ok(serde_json::from_str(&rolled)?)
    };
    let rolled = roll("--overlap=1h").await?;
    assert_eq!(rolled["id"], id);
    ensure!(rolled["old_until"].is_string(), "{rolled}");
    let new = rolled["secret"].as_str().context("no secret")?.to_owned();
    assert_ne!(new, old);
    let again = gateway.sluice(&["key", "roll", id]).await?;
    ensure!(
        again.code == Some(1) && again.errors.contains("rolled before"),
        "{again:#?}"
    );

    // Both secrets sign, then only the new one.
    let signed = async |secrets| signed(gateway, &SURFACES[0], path, receiver, secrets).await;
    assert_eq!(signed([&old, &new]).await?, [true, true]);
    let newest = roll("--overlap=0").await?;
    let newest = newest["secret"].as_str().context("no secret")?;
    assert_eq!(signed([&new, newest]).await?, [false, true]);

    let revoked = gateway.sluice(&["key", "revoke", id]).await?;
    ensure!(
        revoked.code == Some(1) && revoked.errors.contains("--overlap 0"),
        "{revoked:#?}"
    );
    Ok(())
}
