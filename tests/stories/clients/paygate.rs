//! S001's examples.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Gateway, Receiver, cards, run_cases};

use super::shown::check;
use super::{Examples, run};

/// Its examples with a key or an access token.
async fn examples(gateway: &Gateway, key: &str) -> Result<Examples> {
    let hosts = ["https://api.paymentgateway.com"];
    let examples = Examples::of(gateway, "paygate", &hosts).await?;
    Ok(examples.with("YOUR_API_KEY", key))
}

fn list(payments: &[Value], limit: u8) -> Value {
    json!({"object": "list", "data": payments, "limit": limit, "offset": 0, "has_more": false})
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        payments_are_created_listed_and_refunded,
        the_token_works_like_the_key,
        the_function_verifies_the_webhook,
    )
}

async fn payments_are_created_listed_and_refunded(gateway: &Gateway) -> Result<()> {
    let examples = examples(gateway, &gateway.merchant.test_key).await?;
    let mut payments = Vec::new();
    for paid in examples.sent("payment.http").await? {
        assert_eq!(paid.status, 200, "{}", paid.text);
        check(&paid.body, &examples.printed("payment.json")?)?;
        assert_eq!(paid.at("/description"), "Order #12345");
        payments.insert(0, paid.body);
    }
    // A declined payment is not in the list of successful ones.
    let declined = gateway.pay(cards::DECLINED).await?;
    let output = examples.python("", "transactions.py").await?;
    assert_eq!(
        examples.python_value(&output).await?,
        list(&payments, 20),
        "{output}"
    );

    for payment in &payments {
        let id = payment["id"].as_str().context("no id")?;
        let examples = examples.with("{payment_id}", id);
        let [first, second, third] = examples.sent("refund.http").await?;
        for refund in [first, second] {
            assert_eq!(refund.status, 200, "{}", refund.text);
            let expected = json!({
                "id": "ref_1", "object": "refund", "amount": 2500, "currency": "USD",
                "status": "succeeded", "reason": "customer_request", "created": 1_699_564_800
            });
            check(&refund.body, &expected)?;
            assert_eq!(refund.at("/payment_id"), id);
        }
        // Two refunds of 2500 are the whole amount.
        let found = (third.status, third.at("/error/code"));
        assert_eq!(found, (400, "amount_too_large"));
    }

    let all = examples.curl("transactions.sh").await?;
    for payment in &mut payments {
        payment["amount_refunded"] = json!(5000);
    }
    payments.insert(0, declined.body);
    assert_eq!((all.status, all.body), (200, list(&payments, 10)));
    Ok(())
}

async fn the_token_works_like_the_key(gateway: &Gateway) -> Result<()> {
    let paid = gateway.pay(cards::APPROVED).await?;
    let token = examples(gateway, "no key is needed")
        .await?
        .with("your_client_id", &gateway.merchant.client_id)
        .with("your_client_secret", &gateway.merchant.client_secret)
        .node("", "token.mjs")
        .await?;
    let opened = examples(gateway, token.trim()).await?;
    let all = opened.curl("transactions.sh").await?;
    assert_eq!((all.status, all.body), (200, list(&[paid.body], 10)));
    let closed = examples(gateway, "YOUR_API_KEY").await?;
    let none = closed.curl("transactions.sh").await?;
    let found = (none.status, none.at("/error/code"));
    assert_eq!(found, (401, "invalid_api_key"));
    Ok(())
}

async fn the_function_verifies_the_webhook(gateway: &Gateway) -> Result<()> {
    let receiver = Receiver::start().await?;
    let endpoint = gateway.register("/v1/webhooks", &receiver.url("/")).await?;
    gateway.pay(cards::APPROVED).await?;
    let webhooks = receiver.wait_for(1).await?;
    let webhooks = webhooks.first().context("no webhook")?;
    let examples = examples(gateway, &gateway.merchant.test_key).await?;
    check(&webhooks.json(), &examples.printed("event.json")?)?;

    let function = examples.read("verify.cjs")?;
    let signature = json!(webhooks.header("x-webhook-signature"));
    let verify = async |payload: &str, secret: &str| {
        let (payload, secret) = (json!(payload), json!(secret));
        let call = format!("verifyWebhookSignature({payload}, {signature}, {secret})");
        let program = format!("{function}console.log({call});\n");
        run("node", &["--input-type=commonjs", "-"], &program).await
    };
    let secret = endpoint.secret.as_str();
    assert_eq!(verify(&webhooks.text, secret).await?, "true\n");
    let changed = webhooks.text.replace("5000", "5001");
    assert_eq!(verify(&changed, secret).await?, "false\n");
    assert_eq!(verify(&webhooks.text, "whsec_").await?, "false\n");
    Ok(())
}
