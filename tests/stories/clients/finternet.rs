//! S000's and S002's examples.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use store::merchants::Credentials;
use tests::{Gateway, Process, cards, run_cases};

use super::Examples;
use super::shown::check;

/// What S002's fragments assume.
const NODE: &str = "process.env.FINTERNET_API_KEY = 'sk_test_your_key_here';\n\
                    const intentId = 'intent_2xYz9AbC123';\n";
const PYTHON: &str = "import os\n\
                      os.environ['FINTERNET_API_KEY'] = 'sk_test_your_key_here'\n\
                      intent_id = 'intent_2xYz9AbC123'\n";

async fn examples(gateway: &Gateway, merchant: &Credentials) -> Result<Examples> {
    let hosts = [
        "https://sandbox.pg.api.finternetlab.io",
        "https://api.finternet.com",
    ];
    let examples = Examples::of(gateway, "finternet", &hosts).await?;
    Ok(examples
        .with("GET /", &format!("GET {}/", gateway.url(Process::Api)))
        .with("sk_test_your_key_here", &merchant.test_key))
}

/// The intent that S002 prints, paid by card, and its id.
async fn paid(gateway: &Gateway) -> Result<String> {
    let asked = json!({
        "amount": "1000.00", "currency": "USDC", "type": "DELIVERY_VS_PAYMENT",
        "settlementMethod": "OFF_RAMP_MOCK", "settlementDestination": "9876543210",
        "metadata": {"orderId": "ORD-123", "customerId": "CUST-456"}
    });
    let made = gateway.post("/v1/payment-intents", &asked).await?;
    let path = format!("/v1/payment-intents/public/{}/payment", made.at("/id"));
    let card = json!({
        "cardNumber": cards::APPROVED, "expiry": "12/25", "cvv": "123", "name": "John Doe"
    });
    let request = gateway.request(Method::POST, &path);
    let paid = gateway.send(request.json(&json!({"card": card}))).await?;
    ensure!(paid.status == 200, "{}", paid.text);
    Ok(made.at("/id").to_owned())
}

/// What S002 prints of an intent that was paid on chain, for one that was paid by card.
fn by_card(mut printed: Value) -> Result<Value> {
    let data = &mut printed["data"];
    for name in [
        "contractAddress",
        "transactionHash",
        "chainId",
        "signerAddress",
    ] {
        data[name] = Value::Null;
    }
    let phases = data["phases"].as_array_mut().context("no phases")?;
    phases
        .retain(|one| one["phase"] != "BLOCKCHAIN_CONFIRMATION" && one["phase"] != "ESCROW_LOCKED");
    Ok(printed)
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        intents_are_created_and_listed,
        an_intent_is_retrieved,
        another_merchants_intent_is_refused_as_documented,
    )
}

async fn intents_are_created_and_listed(gateway: &Gateway) -> Result<()> {
    let examples = examples(gateway, &gateway.merchant).await?;
    let [first, second, third] = examples.sent("create.http").await?;
    assert_eq!(first.status, 201, "{}", first.text);
    let mut printed = examples.printed("envelope.json")?;
    printed["status"] = json!("INITIATED");
    printed["data"] = json!({
        "amount": "100.00", "currency": "USDC", "type": "DELIVERY_VS_PAYMENT"
    });
    check(&first.body, &printed)?;
    // One key, one intent.
    for again in [second, third] {
        assert_eq!((again.status, &again.text), (201, &first.text));
    }
    let others = examples.with("unique-key-here", "another-key");
    let [newer, ..] = others.sent("create.http").await?;
    assert_eq!(newer.status, 201, "{}", newer.text);
    assert_ne!(newer.at("/id"), first.at("/id"));
    let after = examples.with("intent_123", newer.at("/id"));
    for list in after.sent("list.http").await? {
        let expected = json!({"object": "list", "data": [first.body], "has_more": false});
        assert_eq!((list.status, list.body), (200, expected));
    }
    Ok(())
}

async fn an_intent_is_retrieved(gateway: &Gateway) -> Result<()> {
    let examples = examples(gateway, &gateway.merchant).await?;
    let id = paid(gateway).await?;
    let ours = examples.with("intent_2xYz9AbC123", &id);
    let found = ours.curl("retrieve.sh").await?;
    assert_eq!((found.status, found.at("/id")), (200, id.as_str()));
    check(&found.body, &examples.printed("envelope.json")?)?;
    check(&found.body, &by_card(examples.printed("retrieve.json")?)?)?;
    assert_eq!(ours.node(NODE, "retrieve.mjs").await?, "SUCCEEDED\n");
    assert_eq!(ours.python(PYTHON, "retrieve.py").await?, "SUCCEEDED\n");
    for public in ours.with(":intentId", &id).sent("public.http").await? {
        assert_eq!((public.status, &public.text), (200, &found.text));
    }
    Ok(())
}

async fn another_merchants_intent_is_refused_as_documented(gateway: &Gateway) -> Result<()> {
    let theirs = examples(gateway, &gateway.other_merchant).await?;
    let missing = theirs.curl("retrieve.sh").await?;
    let printed = theirs.printed("missing.json")?;
    assert_eq!((missing.status, missing.body), (404, printed));
    let ours = theirs.with("intent_2xYz9AbC123", &paid(gateway).await?);
    let forbidden = ours.curl("retrieve.sh").await?;
    let printed = theirs.printed("forbidden.json")?;
    assert_eq!((forbidden.status, forbidden.body), (403, printed));
    Ok(())
}
