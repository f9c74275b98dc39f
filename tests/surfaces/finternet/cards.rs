//! Paying an intent by card.

use anyhow::Result;
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Options, cards, run_cases};

use super::refunds::{
    a_paid_intent_is_refunded_in_parts, a_refused_refund_of_an_intent_reserves_nothing,
    an_intent_that_is_not_paid_is_not_refunded, an_intents_refund_is_on_no_other_surface,
    one_key_refunds_an_intent_once,
};
use super::{INTENTS, card, charged, example, expect_error, get, intent, pay, status, wrong};
use crate::repeats_card;

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        good_cards_pay,
        a_declined_card_leaves_the_intent_open_for_another,
        an_intent_takes_five_cards,
        concurrent_payers_are_charged_once,
        a_wrong_card_charges_nothing,
        a_fraction_of_a_cent_is_not_charged,
        a_payers_retry_gets_the_same_response,
        pages_of_any_origin_may_send_requests,
        an_intents_payment_is_on_no_other_surface,
        a_paid_intent_is_refunded_in_parts,
        an_intents_refund_is_on_no_other_surface,
        an_intent_that_is_not_paid_is_not_refunded,
        one_key_refunds_an_intent_once,
        a_refused_refund_of_an_intent_reserves_nothing,
    )
}

async fn good_cards_pay(gateway: &Gateway) -> Result<()> {
    for number in [cards::APPROVED, "5555 5555 5555 4444"] {
        for currency in ["USDC", "USDT", "DAI", "USD"] {
            let asked = json!({"amount": "12.30", "currency": currency, "type": "CONDITIONAL"});
            let id = intent(gateway, &asked).await?;
            let paid = pay(gateway, &id, number).await?;
            assert_eq!(
                (paid.status, paid.at("/status")),
                (200, "SUCCEEDED"),
                "{}",
                paid.text
            );
            assert_eq!(paid.at("/data/amount"), "12.30");
            assert_eq!(charged(gateway, &id).await?, ["approved", "captured"]);
        }
    }
    Ok(())
}

async fn a_declined_card_leaves_the_intent_open_for_another(gateway: &Gateway) -> Result<()> {
    for (number, message) in [
        (cards::DECLINED, "Your card was declined."),
        (
            cards::INSUFFICIENT_FUNDS,
            "Your card has insufficient funds.",
        ),
        (cards::EXPIRED, "Your card has expired."),
    ] {
        let id = intent(gateway, &example()).await?;
        let declined = pay(gateway, &id, number).await?;
        let expected = wrong("payment_failed", message, Some("card"));
        assert_eq!((declined.status, declined.text), (400, expected));
        let found = get(gateway, &super::at(&id, "")).await?;
        assert_eq!(found.at("/status"), "REQUIRES_ACTION");
        assert_eq!(found.at("/data/fiatPaymentStatus"), "failed");
        assert_eq!(found.at("/data/settlementStatus"), "PENDING");
        let phases = &found.body["data"]["phases"];
        let ended = phases.pointer("/0/completedAt").and_then(Value::as_i64);
        let expected = json!([
            {"phase": "SIGNATURE_VERIFICATION", "status": "FAILED", "completedAt": ended}
        ]);
        assert_eq!(phases, &expected);
        let again = pay(gateway, &id, number).await?;
        assert_eq!(
            (again.status, again.at("/error/code")),
            (400, "payment_failed")
        );
        let paid = pay(gateway, &id, cards::APPROVED).await?;
        assert_eq!((paid.status, paid.at("/status")), (200, "SUCCEEDED"));
        assert_eq!(paid.at("/data/fiatPaymentStatus"), "succeeded");
        let did = charged(gateway, &id).await?;
        assert_eq!(did, ["declined", "declined", "approved", "captured"]);
    }
    Ok(())
}

/// Ten at once, so that none slips through beside the others.
async fn an_intent_takes_five_cards(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    let paying = (0..4).map(|_| pay(gateway, &id, cards::DECLINED));
    for declined in paying {
        assert_eq!(
            declined.await?.at("/error/message"),
            "Your card was declined."
        );
    }
    try_join_all((0..10).map(|_| pay(gateway, &id, cards::DECLINED))).await?;
    let refused = pay(gateway, &id, cards::APPROVED).await?;
    let message = "Five cards were tried for this payment intent. It takes no more.";
    assert_eq!(refused.text, wrong("payment_failed", message, None));
    assert_eq!(charged(gateway, &id).await?, ["declined"; 5]);
    Ok(())
}

async fn concurrent_payers_are_charged_once(gateway: &Gateway) -> Result<()> {
    for number in [cards::APPROVED, cards::SLOW] {
        let id = intent(gateway, &example()).await?;
        let answers = try_join_all((0..8).map(|_| pay(gateway, &id, number))).await?;
        let paid = answers.iter().filter(|answer| answer.status == 200);
        assert_eq!(paid.clone().count(), 1);
        assert!(
            paid.clone()
                .all(|answer| answer.at("/status") == "SUCCEEDED")
        );
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            let found = (answer.status, answer.at("/error/code"));
            assert_eq!(found, (400, "invalid_state_transition"), "{}", answer.text);
        }
        assert_eq!(charged(gateway, &id).await?, ["approved", "captured"]);
        let late = pay(gateway, &id, cards::APPROVED).await?;
        let message = "Cannot transition from SUCCEEDED to PROCESSING";
        let expected = wrong("invalid_state_transition", message, None);
        assert_eq!((late.status, late.text), (400, expected));
    }
    Ok(())
}

#[tokio::test]
async fn a_slow_outcome_is_read_later() -> Result<()> {
    let options = Options {
        wait_ms: 200,
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    let id = intent(&gateway, &example()).await?;
    let paid = pay(&gateway, &id, cards::VERY_SLOW).await?;
    assert_eq!(
        (paid.status, paid.at("/status")),
        (200, "PROCESSING"),
        "{}",
        paid.text
    );
    assert_eq!(paid.at("/data/fiatPaymentStatus"), "pending");
    assert_eq!(paid.at("/data/phases/0/status"), "IN_PROGRESS");
    let again = pay(&gateway, &id, cards::APPROVED).await?;
    let message = "Cannot transition from PROCESSING to PROCESSING";
    let expected = wrong("invalid_state_transition", message, None);
    assert_eq!((again.status, again.text), (400, expected));
    gateway.drain().await?;
    assert_eq!(status(&gateway, &id).await?, "SUCCEEDED");
    assert_eq!(charged(&gateway, &id).await?, ["approved", "captured"]);
    gateway.finish().await
}

async fn a_wrong_card_charges_nothing(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    let path = format!("{INTENTS}/public/{id}/payment");
    for (name, value, code) in [
        ("cardNumber", json!(cards::INVALID), "invalid_card"),
        ("expiry", json!("13/25"), "invalid_card"),
        ("cvv", json!("12"), "invalid_card"),
        ("name", json!(null), "invalid_request"),
        ("pin", json!("1234"), "invalid_request"),
    ] {
        let mut body = card(cards::APPROVED);
        body["card"][name] = value;
        let request = gateway.request(Method::POST, &path).json(&body);
        let answer = gateway.send(request).await?;
        let found = (
            answer.status,
            answer.at("/error/code"),
            answer.at("/error/param"),
        );
        assert_eq!(found, (400, code, name), "{}", answer.text);
        assert!(!repeats_card(&answer.text));
    }
    let request = gateway
        .request(Method::POST, &path)
        .json(&card(cards::INVALID));
    let expected = wrong(
        "invalid_card",
        "Your card number is invalid.",
        Some("cardNumber"),
    );
    expect_error(gateway, request, 400, &expected).await?;
    assert_eq!(status(gateway, &id).await?, "INITIATED");
    assert_eq!(charged(gateway, &id).await?, Vec::<String>::new());
    Ok(())
}

/// A card is charged one dollar for each stablecoin, and never a fraction of a cent.
async fn a_fraction_of_a_cent_is_not_charged(gateway: &Gateway) -> Result<()> {
    let asked = json!({"amount": "1.005", "currency": "USDC", "type": "CONDITIONAL"});
    let id = intent(gateway, &asked).await?;
    let answer = pay(gateway, &id, cards::APPROVED).await?;
    let message = "This payment intent cannot be paid by card: a card is charged in US dollars, \
                   and the amount has a fraction of a cent.";
    let expected = wrong("invalid_request", message, None);
    assert_eq!((answer.status, answer.text), (400, expected));
    let asked = json!({"amount": "1.01", "currency": "DAI", "type": "CONDITIONAL"});
    let id = intent(gateway, &asked).await?;
    assert_eq!(pay(gateway, &id, cards::APPROVED).await?.status, 200);
    let log = gateway.sandbox_log()?;
    let amounts: Vec<_> = log
        .iter()
        .map(|one| (one.amount.as_deref(), one.currency.as_deref()))
        .collect();
    assert_eq!(amounts, [(Some("1.01"), Some("USD")); 2]);
    Ok(())
}

/// S000: the same key within a day gets the same response, also for a payer.
async fn a_payers_retry_gets_the_same_response(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    let path = format!("{INTENTS}/public/{id}/payment");
    let keyed = |key: &'static str, number: &str| {
        let request = gateway.request(Method::POST, &path).json(&card(number));
        gateway.send(request.header("Idempotency-Key", key))
    };
    let declined = keyed("first", cards::DECLINED).await?;
    assert_eq!(declined.at("/error/code"), "payment_failed");
    let again = keyed("first", cards::DECLINED).await?;
    assert_eq!((again.status, &again.text), (400, &declined.text));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let answers = try_join_all((0..5).map(|_| keyed("second", cards::APPROVED))).await?;
    for answer in &answers {
        assert_eq!(
            (answer.status, answer.at("/status")),
            (200, "SUCCEEDED"),
            "{}",
            answer.text
        );
    }
    let did = charged(gateway, &id).await?;
    assert_eq!(did, ["declined", "approved", "captured"]);
    let reused = keyed("second", cards::APPROVED_MASTERCARD).await?;
    assert_eq!(reused.at("/error/code"), "idempotency_key_reused");

    // A payer's key is separate from the merchant's keys.
    let request = super::of(gateway, &gateway.merchant, Method::POST, INTENTS);
    let request = request.header("Idempotency-Key", "second").json(&example());
    assert_eq!(gateway.send(request).await?.status, 201);
    Ok(())
}

/// A payer's browser sends requests from a page of another origin.
async fn pages_of_any_origin_may_send_requests(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    for rest in ["", "/payment", "/transaction-hash"] {
        let path = format!("{INTENTS}/public/{id}{rest}");
        let allowed = gateway
            .send(gateway.request(Method::OPTIONS, &path))
            .await?;
        assert_eq!((allowed.status, allowed.text.as_str()), (204, ""), "{path}");
        assert_eq!(allowed.header("access-control-allow-origin"), "*");
        assert_eq!(allowed.header("access-control-allow-methods"), "GET, POST");
        let headers = allowed.header("access-control-allow-headers");
        assert!(headers.starts_with("Content-Type, Authorization, X-API-Key"));
    }
    let paid = pay(gateway, &id, cards::APPROVED).await?;
    assert_eq!(paid.header("access-control-allow-origin"), "*");
    // To a page, an error that it may not read looks like no response.
    for (method, rest, status) in [
        (Method::GET, format!("{id}/nothing"), 404),
        (Method::PUT, format!("{id}/payment"), 405),
        (Method::GET, "intent_none".to_owned(), 404),
    ] {
        for base in ["", "/api"] {
            let path = format!("{base}{INTENTS}/public/{rest}");
            let refused = gateway.send(gateway.request(method.clone(), &path)).await?;
            assert_eq!(refused.status, status, "{path}: {}", refused.text);
            assert_eq!(refused.header("access-control-allow-origin"), "*", "{path}");
            let readable = refused.header("access-control-expose-headers");
            assert!(readable.contains("X-RateLimit-Remaining"), "{readable}");
        }
    }
    let kept = get(gateway, &super::at(&id, "")).await?;
    assert_eq!(kept.header("access-control-allow-origin"), "");
    Ok(())
}

/// The card payment is the intent's own: no other surface shows it.
async fn an_intents_payment_is_on_no_other_surface(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    let paid = pay(gateway, &id, cards::APPROVED).await?;
    let digits = paid
        .at("/data/paymentProcessorTxId")
        .trim_start_matches("ch_");
    let elsewhere = gateway.get(&format!("/v1/payments/pay_{digits}")).await?;
    assert_eq!(elsewhere.status, 404, "{}", elsewhere.text);
    Ok(())
}
