//! Merchants, their keys and their client secrets.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::Role;
use tests::{Gateway, Process, cards, example, until};
use uuid::Uuid;

use super::{read, value};

/// How long an API process may accept what was revoked, with some time for a loaded machine.
const SOON: Duration = Duration::from_secs(10);

const DISABLED: &str = "This account is disabled. No request is accepted until the gateway's operator \
                        enables it again.";

fn merchant_id(gateway: &Gateway) -> String {
    gateway.merchant.merchant_id.to_string()
}

async fn disable(gateway: &Gateway) -> Result<String> {
    let id = merchant_id(gateway);
    gateway
        .operate(&["merchant", "disable", &id, "--reason", "chargebacks"])
        .await
}

/// Waits until a request gets this status.
async fn until_status(
    gateway: &Gateway,
    status: u16,
    request: impl Fn() -> RequestBuilder,
) -> Result<tests::Response> {
    until("the status changes", SOON, async || {
        let answer = gateway.send(request()).await?;
        Ok((answer.status == status).then_some(answer))
    })
    .await
}

pub async fn merchants_are_listed_and_shown(gateway: &Gateway) -> Result<()> {
    let id = merchant_id(gateway);
    let list = gateway.operate(&["merchant", "list"]).await?;
    let line = list.lines().find(|line| line.starts_with(&id));
    let line = line.with_context(|| list.clone())?;
    ensure!(
        line.contains("Demo shop") && line.contains("enabled"),
        "{list}"
    );
    let shown = read(gateway, &["merchant", "show", &id, "--json"]).await?;
    assert_eq!(shown["name"], "Demo shop");
    assert_eq!(shown["disabled_at"], Value::Null);
    assert_eq!(shown["fee_basis_points"], 290);
    let keys = shown["keys"].as_array().context("no keys")?;
    assert_eq!(keys.len(), 3, "{shown}");
    let text = shown.to_string();
    let secrets = &gateway.merchant;
    for secret in [&secrets.test_key, &secrets.live_key, &secrets.client_secret] {
        ensure!(!text.contains(secret.as_str()), "{text}");
    }
    // Only this merchant's.
    let other = gateway.other_merchant.merchant_id.to_string();
    let listed = read(gateway, &["key", "list", &id, "--json"]).await?;
    assert_eq!(&listed, &shown["keys"]);
    ensure!(!listed.to_string().contains(&other), "{listed}");
    let one = read(gateway, &["merchant", "list", "--limit", "1", "--json"]).await?;
    assert_eq!(one.as_array().map(Vec::len), Some(1));
    let newest = one[0]["id"].as_str().context("no id")?;
    let next = ["merchant", "list", "--limit=1", "--json", "--after", newest];
    let next = read(gateway, &next).await?;
    ensure!(
        next[0]["id"] != newest && next[0]["id"].is_string(),
        "{next}"
    );
    for (arguments, code, why) in [
        (
            ["merchant", "show", "shop"],
            2,
            "expected the id of a merchant",
        ),
        (
            ["merchant", "show", "merchant_0000000000000000000000"],
            1,
            "does not exist",
        ),
        (["merchant", "list", "--limit=0"], 2, "1..=1000"),
    ] {
        let ran = gateway.sluice(&arguments).await?;
        assert_eq!(ran.code, Some(code), "{ran:#?}");
        ensure!(ran.errors.contains(why), "{ran:#?}");
    }
    Ok(())
}

/// A read of each surface with its own credential, and the body of its refusal.
fn reads(gateway: &Gateway) -> [(RequestBuilder, Value); 4] {
    let key = gateway.merchant.test_key.as_str();
    let get = |path| gateway.request(Method::GET, path);
    [
        (
            get("/v1/payments/pay_0").bearer_auth(key),
            json!({"error": {"type": "permission_error", "code": "account_disabled", "message": DISABLED}}),
        ),
        (
            get("/v2/payments").bearer_auth(key),
            json!({"error": {"type": "AuthenticationError", "code": "AUTH003", "message": DISABLED}}),
        ),
        (
            get("/v1/payment-intents").header("X-API-Key", key),
            json!({"error": {"code": "forbidden", "message": DISABLED, "type": "authentication_error"}}),
        ),
        (
            get("/v1/payments/").basic_auth(key, Some("")),
            json!({"code": 403, "title": "Account disabled", "content": DISABLED, "type": "danger"}),
        ),
    ]
}

pub async fn a_disabled_merchant_is_refused_in_every_format(gateway: &Gateway) -> Result<()> {
    let credentials = json!({
        "client_id": gateway.merchant.client_id,
        "client_secret": gateway.merchant.client_secret.as_str(),
    });
    let token_request = || {
        gateway
            .request(Method::POST, "/v1/auth/token")
            .json(&credentials)
    };
    let token = gateway.send(token_request()).await?;
    let token = token.at("/access_token").to_owned();
    let with_token = || {
        let request = gateway.request(Method::GET, "/v1/transactions");
        request.bearer_auth(&token)
    };
    until_status(gateway, 200, with_token).await?;
    let intent = json!({"amount": "10.00", "currency": "USD", "type": "DELIVERY_VS_PAYMENT"});
    let key = gateway.merchant.test_key.as_str();
    let create = gateway.request(Method::POST, "/v1/payment-intents");
    let created = gateway
        .send(create.header("X-API-Key", key).json(&intent))
        .await?;
    let public = format!("/v1/payment-intents/public/{}", created.at("/id"));

    let said = disable(gateway).await?;
    ensure!(said.contains("within 5 seconds"), "{said}");
    for (request, body) in reads(gateway) {
        let again = || {
            request
                .try_clone()
                .unwrap_or_else(|| gateway.request(Method::GET, "/"))
        };
        let refused = until_status(gateway, 403, again).await?;
        assert_eq!(refused.body, body);
    }
    let refused = until_status(gateway, 403, with_token).await?;
    assert_eq!(refused.at("/error/code"), "account_disabled");
    let refused = gateway.send(token_request()).await?;
    assert_eq!(
        (refused.status, refused.at("/error/code")),
        (403, "account_disabled")
    );
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &gateway.merchant.client_id),
        ("client_secret", gateway.merchant.client_secret.as_str()),
    ];
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let request = gateway.request(Method::POST, "/oauth/token").body(form);
    let request = request.header("Content-Type", "application/x-www-form-urlencoded");
    let refused = gateway.send(request).await?;
    assert_eq!(
        (refused.status, refused.at("/error/code")),
        (403, "AUTH003")
    );
    // Payers have no key. They can look, and cannot pay.
    let look = gateway.send(gateway.request(Method::GET, &public)).await?;
    assert_eq!(look.status, 200, "{}", look.text);
    let card = json!({"card": {"cardNumber": cards::APPROVED, "expiry": "12/30", "cvv": "123", "name": "A"}});
    let pay = gateway.request(Method::POST, &format!("{public}/payment"));
    let refused = gateway.send(pay.json(&card)).await?;
    assert_eq!(
        (refused.status, refused.at("/error/message")),
        (403, DISABLED)
    );
    assert_eq!(gateway.count("payments").await?, 0);
    // Others are not concerned.
    let other = gateway.request(Method::GET, "/v1/transactions");
    let other = other.bearer_auth(gateway.other_merchant.test_key.as_str());
    assert_eq!(gateway.send(other).await?.status, 200);
    let shown = gateway
        .operate(&["merchant", "show", &merchant_id(gateway)])
        .await?;
    ensure!(value(&shown, "state")?.contains(": chargebacks"), "{shown}");
    Ok(())
}

pub async fn work_in_flight_completes(gateway: &Gateway) -> Result<()> {
    gateway.kill(Process::Card)?;
    let pending = gateway.pay(cards::APPROVED).await?;
    assert_eq!(pending.at("/status"), "pending", "{}", pending.text);
    disable(gateway).await?;
    gateway.launch(&[Process::Card]).await?;
    gateway.drain().await?;
    let payments = gateway.payments().await?;
    let state = payments
        .iter()
        .find(|payment| payment.id == pending.at("/id"));
    assert_eq!(
        state.map(|payment| payment.state.as_str()),
        Some("captured")
    );
    Ok(())
}

/// API processes of the version before know no reason, and accept nothing either.
pub async fn the_version_before_refuses_a_disabled_merchant(gateway: &Gateway) -> Result<()> {
    let url = gateway.role_url(Role::Api)?;
    let db = store::connect(Role::Api, &url, 1)?;
    let hash = |secret: &str| Sha256::digest(secret.as_bytes()).to_vec();
    let accepted = async || -> Result<(i64, bool)> {
        let query =
            "select (select count(*) from principal_by_key($1)), issue_token($2, $3, $4, null, 60)";
        let query = sqlx::query_as(query).bind(hash(&gateway.merchant.test_key));
        let query = query.bind(&gateway.merchant.client_id);
        let query = query.bind(hash(&gateway.merchant.client_secret));
        Ok(query
            .bind(hash(&Uuid::new_v4().to_string()))
            .fetch_one(&db)
            .await?)
    };
    assert_eq!(accepted().await?, (1, true));
    disable(gateway).await?;
    assert_eq!(accepted().await?, (0, false));
    Ok(())
}

fn paying(gateway: &Gateway, key: &str) -> RequestBuilder {
    let request = gateway.request(Method::POST, "/v1/payments");
    request.json(&example(cards::APPROVED)).bearer_auth(key)
}

/// The ids of the merchant's credentials: the test key and the client.
async fn ids(gateway: &Gateway) -> Result<(String, String)> {
    let listed = read(gateway, &["key", "list", &merchant_id(gateway), "--json"]).await?;
    let listed = listed.as_array().context("no list")?;
    let id = |prefix: &str| {
        let mut ids = listed.iter().filter(|one| one["mode"] == "test");
        let one = ids.find(|one| one["id"].as_str().is_some_and(|id| id.starts_with(prefix)));
        let id = one.and_then(|one| one["id"].as_str());
        id.map(str::to_owned)
            .with_context(|| format!("no {prefix}"))
    };
    Ok((id("key_")?, id("client_")?))
}

pub async fn a_key_is_rolled_with_an_overlap(gateway: &Gateway) -> Result<()> {
    let (id, _) = ids(gateway).await?;
    let old = gateway.merchant.test_key.as_str();
    assert_eq!(gateway.send(paying(gateway, old)).await?.status, 200);
    let rolled = gateway.operate(&["key", "roll", &id]).await?;
    let (new_id, new) = (value(&rolled, "id")?, value(&rolled, "secret")?);
    ensure!(new.starts_with("sk_test_") && new_id != id, "{rolled}");
    for key in [old, &new] {
        assert_eq!(
            gateway.send(paying(gateway, key)).await?.status,
            200,
            "{rolled}"
        );
    }
    let again = gateway.sluice(&["key", "roll", &id]).await?;
    ensure!(
        again.code == Some(1) && again.errors.contains("rolled before"),
        "{again:#?}"
    );
    let list = gateway
        .operate(&["key", "list", &merchant_id(gateway)])
        .await?;
    let line = list
        .lines()
        .find(|line| line.starts_with(&id))
        .unwrap_or_default();
    ensure!(line.contains("rolled, until"), "{list}");
    let never_listed = list.contains(&new) || list.contains(old);
    ensure!(!never_listed, "{list}");

    // The overlap ends by the database's clock.
    let end = "update api_keys set expires_at = now() where expires_at is not null";
    sqlx::query(end).execute(gateway.database()).await?;
    until_status(gateway, 401, || paying(gateway, old)).await?;
    assert_eq!(gateway.send(paying(gateway, &new)).await?.status, 200);

    // Without an overlap, and a revocation.
    let rolled = read(
        gateway,
        &["key", "roll", &new_id, "--overlap", "0", "--json"],
    )
    .await?;
    assert_eq!(rolled["old_until"], Value::Null);
    let newest = rolled["secret"].as_str().context("no secret")?;
    until_status(gateway, 401, || paying(gateway, &new)).await?;
    assert_eq!(gateway.send(paying(gateway, newest)).await?.status, 200);
    let newest_id = rolled["id"].as_str().context("no id")?;
    gateway.operate(&["key", "revoke", newest_id]).await?;
    until_status(gateway, 401, || paying(gateway, newest)).await?;
    // A revoked key has a successor, and stays revoked.
    let rolled = read(gateway, &["key", "roll", newest_id, "--json"]).await?;
    let latest = rolled["secret"].as_str().context("no secret")?;
    assert_eq!(gateway.send(paying(gateway, latest)).await?.status, 200);
    assert_eq!(gateway.send(paying(gateway, newest)).await?.status, 401);
    // If somebody passes a secret instead of an id, the error does not repeat it.
    let wrong = gateway.sluice(&["key", "revoke", latest]).await?;
    ensure!(
        wrong.code == Some(1) && !format!("{wrong:?}").contains(latest),
        "{wrong:#?}"
    );
    Ok(())
}

pub async fn a_client_secret_is_rolled_with_an_overlap(gateway: &Gateway) -> Result<()> {
    let (_, client) = ids(gateway).await?;
    let ask = |secret: &str| {
        let body = json!({"client_id": client, "client_secret": secret});
        gateway.request(Method::POST, "/v1/auth/token").json(&body)
    };
    let old = gateway.merchant.client_secret.as_str();
    let rolled = read(gateway, &["key", "roll", &client, "--overlap=1h", "--json"]).await?;
    assert_eq!(rolled["id"], client);
    let new = rolled["secret"].as_str().context("no secret")?.to_owned();
    let token = gateway.send(ask(old)).await?;
    assert_eq!(token.status, 200, "{}", token.text);
    assert_eq!(gateway.send(ask(&new)).await?.status, 200);
    let again = gateway.sluice(&["key", "roll", &client]).await?;
    ensure!(
        again.code == Some(1) && again.errors.contains("rolled before"),
        "{again:#?}"
    );
    let end =
        "update api_clients set previous_expires_at = now() where previous_expires_at is not null";
    sqlx::query(end).execute(gateway.database()).await?;
    assert_eq!(gateway.send(ask(old)).await?.status, 401);
    assert_eq!(gateway.send(ask(&new)).await?.status, 200);

    // Without an overlap the tokens end too.
    let with_token = || {
        let request = gateway.request(Method::GET, "/v1/transactions");
        request.bearer_auth(token.at("/access_token"))
    };
    assert_eq!(gateway.send(with_token()).await?.status, 200);
    let rolled = read(gateway, &["key", "roll", &client, "--overlap=0", "--json"]).await?;
    until_status(gateway, 401, with_token).await?;
    assert_eq!(gateway.send(ask(&new)).await?.status, 401);
    let newest = rolled["secret"].as_str().context("no secret")?;
    assert_eq!(gateway.send(ask(newest)).await?.status, 200);
    gateway.operate(&["key", "revoke", &client]).await?;
    assert_eq!(gateway.send(ask(newest)).await?.status, 401);
    Ok(())
}
