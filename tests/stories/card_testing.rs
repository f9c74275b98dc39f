//! Someone tries many stolen cards. Test mode has the same rules as live mode, with limits twenty times
//! higher.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use store::merchants::Credentials;
use tests::{Gateway, Process, Response, cards, example, payment_id, run_cases};
use tokio::time::Instant;

/// Declines of a card at one merchant in a day.
const CARD_DECLINES: usize = 100;
/// Tries and declines of an address in an hour.
const ADDRESS_TRIES: i32 = 600;
const ADDRESS_DECLINES: i32 = 200;

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_card_that_was_declined_too_often_is_not_sent,
        test_cards_are_not_used_up_by_other_merchants,
        an_address_that_tries_too_many_cards_is_blocked,
        a_merchant_whose_payers_are_nearly_all_declined_takes_no_public_cards,
        a_merchant_whose_payers_are_often_declined_answers_slowly,
        an_intent_takes_five_cards,
        cards_that_begin_alike_are_blocked,
        verdicts_are_written_once,
    )
}

/// A verdict's rule, tries and declines.
type Verdict = (String, Option<i32>, i32);

/// The verdicts at a merchant, oldest first, as the operator reads them.
async fn verdicts(gateway: &Gateway, merchant: &Credentials) -> Result<Vec<Verdict>> {
    let url = gateway.role_url(store::Role::Operator)?;
    let db = store::connect_operator(&url)?;
    let query =
        "select rule, tries, declines from risk_verdicts where merchant_id = $1 order by id";
    let query = sqlx::query_as(query).bind(merchant.merchant_id.0);
    Ok(query.fetch_all(&db).await?)
}

async fn pay_at(gateway: &Gateway, merchant: &Credentials, number: &str) -> Result<Response> {
    let request = gateway.request(Method::POST, "/v1/payments");
    let request = request.bearer_auth(merchant.test_key.as_str());
    gateway.send(request.json(&example(number))).await
}

async fn intent(gateway: &Gateway, merchant: &Credentials) -> Result<String> {
    let request = gateway.request(Method::POST, "/v1/payment-intents");
    let request = request.header("X-API-Key", merchant.test_key.as_str());
    let body = json!({"amount": "10.00", "currency": "USD", "type": "CONDITIONAL"});
    let made = gateway.send(request.json(&body)).await?;
    ensure!(made.status == 201, "{}", made.text);
    Ok(made.at("/id").to_owned())
}

/// Pays a new intent of the merchant as a payer, or with a key.
async fn pay_publicly(
    gateway: &Gateway,
    merchant: &Credentials,
    number: &str,
    key: Option<&str>,
) -> Result<Response> {
    let id = intent(gateway, merchant).await?;
    let path = format!("/v1/payment-intents/public/{id}/payment");
    let mut request = gateway.request(Method::POST, &path);
    if let Some(key) = key {
        request = request.header("X-API-Key", key);
    }
    let card = json!({"cardNumber": number, "expiry": "12/30", "cvv": "123", "name": "John Doe"});
    gateway.send(request.json(&json!({ "card": card }))).await
}

/// The response without what differs between any two payments.
fn comparable(response: &Response) -> (u16, Value) {
    let mut body = response.body.clone();
    for name in ["id", "created"] {
        body[name] = Value::Null;
    }
    (response.status, body)
}

async fn a_card_that_was_declined_too_often_is_not_sent(gateway: &Gateway) -> Result<()> {
    let paying = (0..CARD_DECLINES).map(|_| gateway.pay(cards::DECLINED));
    let declined = try_join_all(paying).await?;
    let acquirer = gateway.sandbox_log()?.len();
    ensure!(acquirer == CARD_DECLINES, "{acquirer} reached the acquirer");
    ensure!(verdicts(gateway, &gateway.merchant).await?.is_empty());

    let blocked = gateway.pay(cards::DECLINED).await?;
    assert_eq!(comparable(&blocked), comparable(&declined[0]));
    assert_eq!(gateway.sandbox_log()?.len(), acquirer);
    let payment = blocked.at("/id");
    assert_eq!(gateway.attempts(payment).await?, Vec::<String>::new());
    let history = gateway.history(payment).await?;
    assert_eq!(history, gateway.history(declined[0].at("/id")).await?);
    let (rule, tries, count) = ("card_at_merchant".to_owned(), None, 100);
    let found = verdicts(gateway, &gateway.merchant).await?;
    assert_eq!(found, [(rule, tries, count)]);
    let query = "select payment_id from risk_verdicts order by id desc limit 1";
    let about: Option<uuid::Uuid> = sqlx::query_scalar(query)
        .fetch_one(gateway.database())
        .await?;
    assert_eq!(about, Some(payment_id(payment)?));

    // Another card and another merchant are served.
    assert_eq!(
        gateway.pay(cards::APPROVED).await?.at("/status"),
        "succeeded"
    );
    pay_at(gateway, &gateway.other_merchant, cards::DECLINED).await?;
    assert_eq!(gateway.sandbox_log()?.len(), acquirer + 3);

    // A day later it is sent again.
    gateway.drain().await?;
    gateway.advance(Duration::from_hours(25)).await?;
    let again = gateway.pay(cards::DECLINED).await?;
    assert_eq!(comparable(&again), comparable(&declined[0]));
    assert_eq!(gateway.attempts(again.at("/id")).await?, ["declined"]);
    Ok(())
}

/// Test cards are the same for all merchants, so declines at others block nothing in test mode.
async fn test_cards_are_not_used_up_by_other_merchants(gateway: &Gateway) -> Result<()> {
    pay_at(gateway, &gateway.other_merchant, cards::INSUFFICIENT_FUNDS).await?;
    let query = "update card_declines set declines = 100000, merchant_id = gen_random_uuid()
                 where merchant_id = $1";
    let query = sqlx::query(query).bind(gateway.other_merchant.merchant_id.0);
    let moved = query.execute(gateway.database()).await?;
    assert_eq!(moved.rows_affected(), 1);
    let declined = gateway.pay(cards::INSUFFICIENT_FUNDS).await?;
    assert_eq!(declined.at("/failure_code"), "insufficient_funds");
    assert_eq!(verdicts(gateway, &gateway.merchant).await?, []);
    Ok(())
}

/// What is counted of the only address that sends requests here.
async fn address(gateway: &Gateway) -> Result<(i64, i64)> {
    // Shorter keys are those of cards' first digits.
    let query = "select sum(tries), sum(declines) from address_attempts
                 where octet_length(address) = 32";
    Ok(sqlx::query_as(query).fetch_one(gateway.database()).await?)
}

async fn set_address(gateway: &Gateway, tries: i32, declines: i32) -> Result<()> {
    // The minute may have ended between two tries.
    let older = "delete from address_attempts
                 where minute < (select max(minute) from address_attempts)";
    sqlx::query(older).execute(gateway.database()).await?;
    let query = "update address_attempts set tries = $1, declines = $2
                 where octet_length(address) = 32";
    let query = sqlx::query(query);
    let query = query.bind(tries).bind(declines);
    query.execute(gateway.database()).await?;
    ensure!(address(gateway).await? == (tries.into(), declines.into()));
    Ok(())
}

fn check_blocked(response: &Response, seconds: i64) -> Result<()> {
    let found = (response.status, response.at("/error/code"));
    ensure!(found == (429, "rate_limit_exceeded"), "{}", response.text);
    let after = response.number("retry-after")?;
    ensure!((seconds - 60..=seconds).contains(&after), "{after}");
    ensure!(
        response.body["error"]["retryAfter"] == after,
        "{}",
        response.text
    );
    ensure!(response.header("access-control-allow-origin") == "*");
    Ok(())
}

async fn an_address_that_tries_too_many_cards_is_blocked(gateway: &Gateway) -> Result<()> {
    let merchant = &gateway.merchant;
    let pay = async |number| pay_publicly(gateway, merchant, number, None).await;
    assert_eq!(pay(cards::DECLINED).await?.status, 400);
    assert_eq!(address(gateway).await?, (1, 1));
    for (tries, declines, rule) in [
        (ADDRESS_TRIES, 1, "address_tries"),
        (1, ADDRESS_DECLINES, "address_declines"),
    ] {
        set_address(gateway, tries - 1, declines - 1).await?;
        assert_eq!(pay(cards::APPROVED).await?.status, 200);
        set_address(gateway, tries, declines).await?;
        let before = gateway.sandbox_log()?.len();
        for _ in 0..2 {
            check_blocked(&pay(cards::APPROVED).await?, 3_600)?;
        }
        let found = verdicts(gateway, merchant).await?;
        let verdict = (rule.to_owned(), Some(tries + 1), declines);
        assert_eq!(found.last(), Some(&verdict));
        assert_eq!(gateway.sandbox_log()?.len(), before);

        // The address can still read. Other merchants refuse its cards, too. Requests with the merchant's own
        // key are not blocked.
        let id = intent(gateway, merchant).await?;
        let path = format!("/v1/payment-intents/public/{id}");
        let read = gateway.send(gateway.request(Method::GET, &path)).await?;
        assert_eq!(read.status, 200);
        let other = &gateway.other_merchant;
        check_blocked(
            &pay_publicly(gateway, other, cards::APPROVED, None).await?,
            3_600,
        )?;
        for (key, status) in [(&merchant.test_key, 200), (&other.test_key, 429)] {
            let paid = pay_publicly(gateway, merchant, cards::APPROVED, Some(key)).await?;
            assert_eq!(paid.status, status, "{}", paid.text);
        }
        gateway.drain().await?;
        gateway.advance(Duration::from_mins(62)).await?;
        assert_eq!(pay(cards::APPROVED).await?.status, 200);
    }
    assert_eq!(verdicts(gateway, merchant).await?.len(), 2);
    Ok(())
}

async fn a_merchant_whose_payers_are_nearly_all_declined_takes_no_public_cards(
    gateway: &Gateway,
) -> Result<()> {
    let (merchant, other) = (&gateway.merchant, &gateway.other_merchant);
    gateway.pay(cards::DECLINED).await?;
    let query = "update merchant_attempts set tries = 998, declines = 898 where merchant_id = $1";
    let query = sqlx::query(query).bind(merchant.merchant_id.0);
    assert_eq!(query.execute(gateway.database()).await?.rows_affected(), 1);
    gateway.pay(cards::DECLINED).await?;
    let open = pay_publicly(gateway, merchant, cards::DECLINED, None).await?;
    assert_eq!(open.status, 400, "{}", open.text);
    let verdict = ("merchant".to_owned(), Some(1_000), 900);
    assert_eq!(verdicts(gateway, merchant).await?, [verdict]);
    let log = gateway.log(Process::Card);
    let warning = log
        .lines()
        .find(|line| line.contains("card testing at a merchant"));
    let warning = warning.context("no warning is logged")?;
    ensure!(
        warning.contains("WARN") && warning.contains("declines=900"),
        "{warning}"
    );

    let refused = pay_publicly(gateway, merchant, cards::APPROVED, None).await?;
    check_blocked(&refused, 900)?;
    // Direct calls go on and are counted; the verdict stands.
    assert_eq!(gateway.pay(cards::DECLINED).await?.at("/status"), "failed");
    assert_eq!(
        gateway.pay(cards::APPROVED).await?.at("/status"),
        "succeeded"
    );
    assert_eq!(verdicts(gateway, merchant).await?.len(), 1);
    let elsewhere = pay_publicly(gateway, other, cards::APPROVED, None).await?;
    assert_eq!(elsewhere.status, 200, "{}", elsewhere.text);

    gateway.drain().await?;
    gateway.advance(Duration::from_mins(15)).await?;
    let paid = pay_publicly(gateway, merchant, cards::APPROVED, None).await?;
    assert_eq!(paid.status, 200, "{}", paid.text);
    Ok(())
}

/// Pays publicly, and returns the status and how long it took.
async fn timed(gateway: &Gateway, merchant: &Credentials, card: &str) -> Result<(u16, Duration)> {
    let started = Instant::now();
    let paid = pay_publicly(gateway, merchant, card, None).await?;
    Ok((paid.status, started.elapsed()))
}

async fn a_merchant_whose_payers_are_often_declined_answers_slowly(
    gateway: &Gateway,
) -> Result<()> {
    let (merchant, slow) = (&gateway.merchant, Duration::from_secs(2));
    // A refusal takes half a second, whether the acquirer was asked or not.
    let (status, took) = timed(gateway, merchant, cards::DECLINED).await?;
    ensure!(
        status == 400 && took >= Duration::from_millis(500),
        "{status} {took:?}"
    );
    let (status, took) = timed(gateway, merchant, cards::APPROVED).await?;
    ensure!(status == 200 && took < slow, "{status} {took:?}");
    let query = "update merchant_attempts set tries = 1000, declines = 750 where merchant_id = $1";
    let query = sqlx::query(query).bind(merchant.merchant_id.0);
    ensure!(query.execute(gateway.database()).await?.rows_affected() > 0);
    gateway.pay(cards::DECLINED).await?;
    let found = verdicts(gateway, merchant).await?;
    let rules: Vec<_> = found.iter().map(|(rule, ..)| rule.as_str()).collect();
    ensure!(rules.contains(&"merchant_suspected"), "{rules:?}");
    for (card, expected) in [(cards::APPROVED, 200), (cards::DECLINED, 400)] {
        let (status, took) = timed(gateway, merchant, card).await?;
        ensure!(status == expected && took >= slow, "{status} {took:?}");
    }
    // Direct calls and other merchants are not slowed.
    let started = Instant::now();
    gateway.pay(cards::DECLINED).await?;
    pay_publicly(gateway, &gateway.other_merchant, cards::APPROVED, None).await?;
    ensure!(started.elapsed() < slow, "{:?}", started.elapsed());
    gateway.drain().await?;
    gateway.advance(Duration::from_mins(15)).await?;
    Ok(())
}

async fn an_intent_takes_five_cards(gateway: &Gateway) -> Result<()> {
    let merchant = &gateway.merchant;
    let id = intent(gateway, merchant).await?;
    let path = format!("/v1/payment-intents/public/{id}/payment");
    let card =
        json!({"cardNumber": cards::DECLINED, "expiry": "12/30", "cvv": "123", "name": "John Doe"});
    let before = verdicts(gateway, merchant).await?.len();
    for number in 1..=6 {
        let request = gateway.request(Method::POST, &path);
        let paid = gateway.send(request.json(&json!({ "card": card }))).await?;
        let found = verdicts(gateway, merchant).await?;
        let expected = (number == 6).then(|| ("cards_per_intent".to_owned(), Some(6), 5));
        assert_eq!(
            found.get(before),
            expected.as_ref(),
            "{number}: {}",
            paid.text
        );
    }
    Ok(())
}

async fn cards_that_begin_alike_are_blocked(gateway: &Gateway) -> Result<()> {
    let (merchant, other) = (&gateway.merchant, &gateway.other_merchant);
    let declined = pay_publicly(gateway, merchant, cards::DECLINED, None).await?;
    assert_eq!(declined.status, 400, "{}", declined.text);
    let query = "update address_attempts set tries = 399, declines = 330
                 where octet_length(address) < 32";
    sqlx::query(query).execute(gateway.database()).await?;
    // At every merchant, and not those that begin otherwise.
    for merchant in [merchant, other] {
        let blocked = pay_publicly(gateway, merchant, cards::DECLINED, None).await?;
        check_blocked(&blocked, 900)?;
    }
    let found = verdicts(gateway, merchant).await?;
    assert_eq!(found.last(), Some(&("bin".to_owned(), Some(400), 330)));
    let paid = pay_publicly(gateway, merchant, "5555555555554444", None).await?;
    assert_eq!(paid.status, 200, "{}", paid.text);
    gateway.drain().await?;
    gateway.advance(Duration::from_mins(16)).await?;
    let declined = pay_publicly(gateway, merchant, cards::DECLINED, None).await?;
    assert_eq!(declined.status, 400, "{}", declined.text);
    Ok(())
}

/// Nobody changes a verdict, and nobody deletes one before its time; the cases before left some.
async fn verdicts_are_written_once(gateway: &Gateway) -> Result<()> {
    for sql in [
        "update risk_verdicts set declines = 0",
        "delete from risk_verdicts where at > now() - interval '80 days'",
        "truncate risk_verdicts",
    ] {
        let changed = sqlx::query(sql).execute(gateway.database()).await;
        let error = changed.err().context(sql)?;
        ensure!(
            error.to_string().contains("never changed"),
            "{sql}: {error}"
        );
    }
    Ok(())
}
