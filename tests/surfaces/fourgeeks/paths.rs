//! Paths with a trailing slash work like those without; with `X-API-Key` alone, the slash selects this
//! surface.

use anyhow::Result;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tests::{Gateway, cards, run_cases};

use super::{basic, create, example, get, get_as_payer, post};

fn with_key(gateway: &Gateway, method: Method, path: &str) -> RequestBuilder {
    let key = gateway.merchant.test_key.as_str();
    gateway.request(method, path).header("X-API-Key", key)
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        reads_work_with_and_without_a_trailing_slash,
        public_reads_and_sessions_work_with_and_without_it_too,
        a_bearer_key_gets_paygates_format,
    )
}

async fn reads_work_with_and_without_a_trailing_slash(gateway: &Gateway) -> Result<()> {
    let paid = gateway.pay(cards::APPROVED).await?;
    let refund = json!({"payment_id": paid.at("/id"), "amount": 100});
    let refund = post(gateway, "/v1/refunds", &refund).await?;
    let customer = json!({"email": "ada@example.com"});
    let customer = post(gateway, "/v1/customers", &customer).await?;
    for path in [
        format!("/v1/payments/{}", paid.at("/id")),
        "/v1/payments/internal".to_owned(),
        format!("/v1/refunds/{}", refund.at("/id")),
        format!("/v1/customers/{}", customer.at("/id")),
    ] {
        let plain = get(gateway, &path).await?;
        assert_eq!(plain.status, 200, "{path}: {}", plain.text);
        let slashed = format!("{path}/");
        let key = gateway.merchant.test_key.as_str();
        for request in [
            basic(gateway, Method::GET, &slashed),
            basic(gateway, Method::GET, &format!("/api{slashed}")),
            with_key(gateway, Method::GET, &slashed),
            gateway
                .request(Method::GET, &slashed)
                .header("Authorization", format!("Api-Key {key}")),
        ] {
            let answer = gateway.send(request).await?;
            assert_eq!(
                (answer.status, &answer.text),
                (200, &plain.text),
                "{slashed}"
            );
        }
    }
    Ok(())
}

async fn public_reads_and_sessions_work_with_and_without_it_too(gateway: &Gateway) -> Result<()> {
    let created = create(gateway).await?;
    let mut paths = vec![format!(
        "/v1/payments/public/{}",
        created.at("/data/id_payment")
    )];
    for request in [
        basic(gateway, Method::POST, "/v1/payments/session/"),
        with_key(gateway, Method::POST, "/v1/payments/session/"),
    ] {
        let made = gateway.send(request.json(&example())).await?;
        assert_eq!(made.status, 201, "{}", made.text);
        paths.push(format!("/v1/payments/session/{}", made.at("/session_id")));
    }
    for path in paths {
        let plain = get_as_payer(gateway, &path).await?;
        let slashed = get_as_payer(gateway, &format!("{path}/")).await?;
        assert_eq!(plain.status, 200, "{}", plain.text);
        assert_eq!((slashed.status, slashed.text), (200, plain.text), "{path}");
    }
    Ok(())
}

/// A Bearer key selects paygate, with and without the slash.
async fn a_bearer_key_gets_paygates_format(gateway: &Gateway) -> Result<()> {
    gateway.pay(cards::APPROVED).await?;
    let hook = json!({"url": "https://example.com/hook"});
    assert_eq!(gateway.post("/v1/webhooks/", &hook).await?.status, 200);
    let customer = json!({"email": "ada@example.com"});
    assert_eq!(
        gateway
            .post("/v1/customers/", &customer)
            .await?
            .at("/object"),
        "customer"
    );
    for path in ["/v1/transactions", "/v1/customers", "/v1/webhooks"] {
        let plain = gateway.get(path).await?;
        let slashed = gateway.get(&format!("{path}/")).await?;
        assert_eq!((plain.status, plain.at("/object")), (200, "list"), "{path}");
        assert_eq!((slashed.status, slashed.text), (200, plain.text), "{path}");
    }
    Ok(())
}
