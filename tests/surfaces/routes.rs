//! Unknown paths, methods, query parameters and cursors.

use anyhow::{Context, Result};
use domain::id::{AttemptId, CustomerId, IntentId, PaymentId, RefundId};
use reqwest::Method;
use serde_json::{Value, json};
use store::merchants::Credentials;
use tests::{Gateway, Receiver, cards, example, run_cases};

use super::tenancy::operations::{self, Operation};
use super::{expect_error, refusal};

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        unknown_paths_and_wrong_methods_have_the_surfaces_errors,
        a_path_that_is_not_utf_8_is_not_found,
        paths_outside_the_surfaces_have_our_errors_too,
        every_response_has_rate_limit_headers,
        every_operation_names_a_parameter_that_it_does_not_have,
        every_list_refuses_a_cursor_that_is_not_in_it,
        attempts_of_another_endpoint_are_no_cursor,
    )
}

async fn unknown_paths_and_wrong_methods_have_the_surfaces_errors(gateway: &Gateway) -> Result<()> {
    let long = format!("/v1/payments/{}", "x".repeat(5_000));
    let unknown = refusal(404, "route_unknown", "");
    let missing = refusal(404, "resource_missing", "");
    // Outside all surfaces: finternet's code for a missing object.
    let nowhere = refusal(404, "resource_missing", "");
    let method = refusal(405, "method_not_allowed", "");
    for (verb, path, expected) in [
        (Method::GET, "/", &nowhere),
        (Method::GET, "/v1", &unknown),
        (Method::GET, "/v1/", &unknown),
        (Method::GET, "/v3/payments", &nowhere),
        (Method::POST, "/v1/payments/pay", &method),
        (Method::GET, "/v1/payments/pay_1/refund", &method),
        (Method::GET, "/v1/payments/pay_1/refunds", &unknown),
        (Method::GET, "/v1//payments", &unknown),
        (Method::GET, "/4242424242424242", &nowhere),
        (Method::GET, "/.env", &nowhere),
        (Method::GET, "/v1/payments/4242424242424242", &missing),
        (
            Method::GET,
            "/v1/payments/4242%204242%204242%204242",
            &missing,
        ),
        (
            Method::GET,
            "/v1/payments/pay_1?card=4242424242424242",
            &refusal(400, "parameter_unknown", "card"),
        ),
        (
            Method::GET,
            "/v1/payments/pay_zzzzzzzzzzzzzzzzzzzzzz",
            &missing,
        ),
        (Method::GET, "/v1/payments/..%2f..%2fetc%2fpasswd", &missing),
        (Method::GET, "/v1/payments/%00", &missing),
        (Method::GET, "/v1/payments/'%20or%201=1", &missing),
        (Method::GET, &long, &missing),
        (Method::PUT, "/v1/payments", &method),
        (Method::DELETE, "/v1/payments", &method),
        (Method::PATCH, "/v1/payments/pay_1", &method),
        (Method::POST, "/v1/payments/pay_1", &method),
        (Method::OPTIONS, "/v1/payments", &method),
        (Method::TRACE, "/v1/payments", &method),
        (Method::PUT, "/v1/webhooks", &method),
        (Method::POST, "/v1/transactions", &method),
        (Method::DELETE, "/v1/customers/cus_1", &method),
        (Method::GET, "/v1/auth/token", &method),
    ] {
        let what = format!("{verb} {path}");
        let request = gateway.request(verb, path).json(&example(cards::APPROVED));
        let request = request.bearer_auth(gateway.merchant.test_key.as_str());
        if let Err(error) = expect_error(gateway, request, expected).await {
            anyhow::bail!("{what}: {error:#}");
        }
    }
    gateway.check_nothing_stored().await?;
    Ok(())
}

/// A path that is not UTF-8 has no id.
async fn a_path_that_is_not_utf_8_is_not_found(gateway: &Gateway) -> Result<()> {
    let request = gateway.request(Method::GET, "/v1/payments/%ff%fe");
    let request = request.bearer_auth(gateway.merchant.test_key.as_str());
    expect_error(gateway, request, &refusal(404, "resource_missing", "")).await?;
    Ok(())
}

/// Paths outside of all surfaces: the reference, and health.
async fn paths_outside_the_surfaces_have_our_errors_too(gateway: &Gateway) -> Result<()> {
    let paths = [
        "/docs",
        "/docs/",
        "/docs/payments",
        "/docs/reference",
        "/docs/style.css",
        "/openapi.json",
        "/postman.json",
        "/openapi/paygate.json",
        "/livez",
        "/readyz",
    ];
    for path in paths {
        for verb in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let method = refusal(405, "invalid_request", "");
            let request = gateway.request(verb.clone(), path);
            let answer = expect_error(gateway, request, &method)
                .await
                .with_context(|| format!("{verb} {path}"))?;
            assert_eq!(answer.header("allow"), "GET,HEAD");
        }
        let answer = gateway.send(gateway.request(Method::GET, path)).await?;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
    }
    for path in [
        "/docs/typo",
        "/docs/%ff",
        "/openapi/typo.json",
        "/openapi/paygate",
    ] {
        let request = gateway
            .request(Method::GET, path)
            .header("Accept", "text/html");
        let missing = refusal(404, "resource_missing", "");
        expect_error(gateway, request, &missing)
            .await
            .context(path)?;
    }
    Ok(())
}

async fn every_response_has_rate_limit_headers(gateway: &Gateway) -> Result<()> {
    let answers = [
        gateway.pay(cards::APPROVED).await?,
        gateway.get("/v1/payments/pay_1").await?,
        gateway.post("/v1/payments", &serde_json::json!({})).await?,
        gateway
            .send(gateway.request(Method::GET, "/v1/payments/pay_1"))
            .await?,
    ];
    for answer in &answers {
        for name in [
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
        ] {
            assert!(
                answer.header(name).parse::<u64>().is_ok(),
                "{name}: {}",
                answer.text
            );
        }
        assert_eq!(answer.header("vary"), "Authorization, X-API-Key");
    }
    let mut ids: Vec<&str> = answers
        .iter()
        .map(|answer| answer.header("x-request-id"))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), answers.len());
    Ok(())
}

/// Every operation at its documented path; of an alias the credential selects the surface.
async fn documented(gateway: &Gateway) -> Result<Vec<Operation>> {
    let mut all = operations::all(gateway).await?;
    all.retain(|operation| operation.by.len() == 1);
    Ok(all)
}

/// A request to an operation, with a key if there is one.
fn request(
    gateway: &Gateway,
    operation: &Operation,
    id: &str,
    query: &str,
    key: Option<&str>,
) -> Result<reqwest::RequestBuilder> {
    let path = operation.path.replace("{id}", id);
    let path = path.replace("{milestone}", "x");
    let request = gateway.request(operation.method.clone(), &format!("{path}?{query}"));
    let by = operation.by.first().context("no credential")?;
    Ok(match key {
        Some(key) => by.show(request, key, None),
        None => request,
    })
}

async fn every_operation_names_a_parameter_that_it_does_not_have(gateway: &Gateway) -> Result<()> {
    let key = gateway.merchant.test_key.as_str();
    for operation in documented(gateway).await? {
        let what = format!("{} {}", operation.method, operation.path);
        let query = "currency=EUR";
        let request = |key| request(gateway, &operation, "x", query, key);
        let refused = gateway.send(request(Some(key))?).await?;
        assert_eq!(refused.status, 400, "{what}: {}", refused.text);
        let names = operation.parameters.iter().map(|(name, _)| name.as_str());
        let names: Vec<&str> = names.collect();
        let known = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        let why = format!("currency is not a parameter of this request, which has {known}");
        assert!(refused.text.contains(&why), "{what}: {}", refused.text);
        let keyless = gateway.send(request(None)?).await?;
        let expected = match (operation.is_open, &operation.method) {
            (true, _) => 400,
            // Without a key, the request goes to paygate, which has no PUT.
            (false, &Method::PUT) => 405,
            (false, _) => 401,
        };
        assert_eq!(keyless.status, expected, "{what}: {}", keyless.text);
    }
    gateway.check_nothing_stored().await
}

/// One object for each kind of list, by the words of its path, and a payment that is in no list.
async fn listed(gateway: &Gateway, merchant: &Credentials) -> Result<[(&'static str, String); 7]> {
    let post = async |path: &str, body: &Value| {
        let request = gateway.request(Method::POST, path).json(body);
        let made = gateway.send(request.bearer_auth(merchant.test_key.as_str()));
        made.await
    };
    let paid = post("/v1/payments", &example(cards::APPROVED)).await?;
    let refund = format!("/v1/payments/{}/refund", paid.at("/id"));
    let refund = post(&refund, &json!({"amount": 100})).await?;
    let intent = json!({"amount": "1.00", "currency": "USD", "type": "CONDITIONAL"});
    let intent = post("/v1/payment-intents", &intent).await?;
    let card = json!({
        "cardNumber": cards::APPROVED, "expiry": "12/30", "cvv": "123", "name": "John Doe"
    });
    let path = format!("/v1/payment-intents/public/{}/payment", intent.at("/id"));
    let charge = post(&path, &json!({"card": card})).await?;
    let path = format!("/v1/payment-intents/{}/refunds", intent.at("/id"));
    let intent_refund = post(&path, &json!({})).await?;
    let entries = gateway.request(Method::GET, "/v1/payment-intents/account/ledger-entries");
    let entries = entries.bearer_auth(merchant.test_key.as_str());
    let entries = gateway.send(entries).await?;
    Ok([
        ("payments", paid.at("/id").to_owned()),
        ("customers", paid.at("/customer/id").to_owned()),
        ("refunds", refund.at("/id").to_owned()),
        ("payment-intents", intent.at("/id").to_owned()),
        (
            "payment-intents refunds",
            intent_refund.at("/id").to_owned(),
        ),
        (
            "payment-intents ledger-entries",
            entries.at("/data/0/id").to_owned(),
        ),
        (
            "",
            charge
                .at("/data/paymentProcessorTxId")
                .replace("ch_", "pay_"),
        ),
    ])
}

/// The lists with a cursor.
async fn lists(gateway: &Gateway) -> Result<Vec<Operation>> {
    let mut lists = documented(gateway).await?;
    let has_cursor = |(name, _): &(String, Value)| name == "starting_after";
    lists.retain(|one| one.parameters.iter().any(has_cursor));
    Ok(lists)
}

/// An object of another list, another merchant's, an unknown one and a malformed id get the same error.
async fn every_list_refuses_a_cursor_that_is_not_in_it(gateway: &Gateway) -> Result<()> {
    let (mine, theirs) = (&gateway.merchant, &gateway.other_merchant);
    let (own, others) = (listed(gateway, mine).await?, listed(gateway, theirs).await?);
    let [_, _, _, (_, intent), ..] = &own;
    let unknown = store::new_id();
    let unknown = [
        PaymentId(unknown).to_string(),
        CustomerId(unknown).to_string(),
        RefundId(unknown).to_string(),
        IntentId(unknown).to_string(),
    ];
    let words = [
        "payments",
        "customers",
        "refunds",
        "payment-intents",
        "ledger-entries",
    ];
    let mut lists = lists(gateway).await?;
    lists.retain(|list| !list.path.contains("webhooks"));
    assert!(lists.len() >= 10, "{lists:?}");
    for list in &lists {
        let path = list.path.replace("transactions", "payments");
        let kind: Vec<&str> = path
            .split('/')
            .filter(|part| words.contains(part))
            .collect();
        let kind = kind.join(" ");
        let after = async |id: &str| {
            let query = format!("starting_after={id}");
            let key = Some(mine.test_key.as_str());
            gateway
                .send(request(gateway, list, intent, &query, key)?)
                .await
        };
        let malformed = after("x").await?;
        assert_eq!(malformed.status, 400, "{path}: {}", malformed.text);
        let (known, mut absent): (Vec<_>, Vec<_>) = own.iter().partition(|(of, _)| *of == kind);
        absent.extend(&others);
        for id in absent.iter().map(|(_, id)| id).chain(&unknown) {
            let refused = after(id).await?;
            let found = (refused.status, &refused.text);
            assert_eq!(found, (400, &malformed.text), "{path}: {id}");
        }
        let (_, known) = known.first().context("no object")?;
        let end = after(known).await?;
        assert_eq!(end.status, 200, "{path}: {}", end.text);
    }
    // With `test=false` nothing is listed.
    let list = "/v1/payments/?test=false&starting_after=pay_0000000000000000000001";
    let request = gateway.request(Method::GET, list);
    let refused = request.basic_auth(mine.test_key.as_str(), Some(""));
    assert_eq!(gateway.send(refused).await?.status, 400);
    Ok(())
}

/// An attempt of another endpoint, an unknown one and a malformed id get the same error.
async fn attempts_of_another_endpoint_are_no_cursor(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let mut lists = lists(gateway).await?;
    lists.retain(|list| list.path.contains("webhooks"));
    assert_eq!(lists.len(), 3, "{lists:?}");
    let key = gateway.merchant.test_key.as_str();
    for list in &lists {
        let by = list.by.first().context("no credential")?;
        let (webhooks, _) = list.path.split_once("/{id}").context("no endpoint")?;
        let send = async |method, path: &str, body: &Value| {
            let request = gateway.request(method, path).json(body);
            gateway.send(by.show(request, key, None)).await
        };
        let mut found = Vec::new();
        for _ in 0..2 {
            let asked = json!({"url": receiver.url("/")});
            let made = send(Method::POST, webhooks, &asked).await?;
            let id = made.at("/id").to_owned();
            send(Method::POST, &format!("{webhooks}/{id}/test"), &json!({})).await?;
            gateway.drain().await?;
            let path = format!("{webhooks}/{id}/attempts");
            let attempts = send(Method::GET, &path, &json!({})).await?;
            found.push((id, attempts.at("/data/0/id").to_owned()));
        }
        let [(endpoint, own), (_, others)] = found.as_slice() else {
            anyhow::bail!("{found:?}");
        };
        let after = async |id: &str| {
            let query = format!("starting_after={id}");
            gateway
                .send(request(gateway, list, endpoint, &query, Some(key))?)
                .await
        };
        let malformed = after("x").await?;
        assert_eq!(malformed.status, 400, "{}", malformed.text);
        for id in [others.clone(), AttemptId(store::new_id()).to_string()] {
            let refused = after(&id).await?;
            assert_eq!((refused.status, &refused.text), (400, &malformed.text));
        }
        let end = after(own).await?;
        assert_eq!((end.status, &end.body["data"]), (200, &json!([])), "{own}");
    }
    Ok(())
}
