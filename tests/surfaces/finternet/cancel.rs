//! Canceling an intent.

use anyhow::{Result, bail};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::json;
use tests::{Gateway, cards, run_cases};

use super::{at, charged, example, intent, of, pay, post, status, wrong};

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        an_open_intent_is_canceled_once_and_takes_no_payment_after,
        a_cancel_needs_no_body_and_a_paid_intent_is_not_canceled,
        a_repeated_cancel_gets_the_same_response,
        of_a_cancel_and_a_payment_only_one_succeeds,
    )
}

async fn an_open_intent_is_canceled_once_and_takes_no_payment_after(
    gateway: &Gateway,
) -> Result<()> {
    let fresh = intent(gateway, &example()).await?;
    let declined = intent(gateway, &example()).await?;
    pay(gateway, &declined, cards::DECLINED).await?;
    for id in [fresh, declined] {
        let path = at(&id, "/cancel");
        let canceled = post(gateway, &path, &json!({"reason": "out of stock"})).await?;
        assert_eq!((canceled.status, canceled.at("/status")), (200, "CANCELED"));
        assert_eq!(canceled.at("/data/phases/0/status"), "FAILED");
        assert_eq!(canceled.text, super::get(gateway, &at(&id, "")).await?.text);
        let again = post(gateway, &path, &json!({})).await?;
        let message = "Cannot cancel payment intent in status: CANCELED";
        let expected = wrong("invalid_state_transition", message, None);
        assert_eq!((again.status, again.text), (400, expected));
        let paid = pay(gateway, &id, cards::APPROVED).await?;
        let message = "Cannot transition from CANCELED to PROCESSING";
        let expected = wrong("invalid_state_transition", message, None);
        assert_eq!((paid.status, paid.text), (400, expected));
        assert!(
            !charged(gateway, &id)
                .await?
                .contains(&"approved".to_owned())
        );
    }
    Ok(())
}

async fn a_cancel_needs_no_body_and_a_paid_intent_is_not_canceled(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    let bare = of(
        gateway,
        &gateway.merchant,
        Method::POST,
        &at(&id, "/cancel"),
    );
    let canceled = gateway.send(bare).await?;
    assert_eq!(
        (canceled.status, canceled.at("/status")),
        (200, "CANCELED"),
        "{}",
        canceled.text
    );

    let id = intent(gateway, &example()).await?;
    pay(gateway, &id, cards::APPROVED).await?;
    let late = post(gateway, &at(&id, "/cancel"), &json!({})).await?;
    let message = "Cannot cancel payment intent in status: SUCCEEDED";
    let expected = wrong("invalid_state_transition", message, None);
    assert_eq!((late.status, late.text), (400, expected));
    assert_eq!(status(gateway, &id).await?, "SUCCEEDED");
    Ok(())
}

/// S000: the same key within a day gets the same response.
async fn a_repeated_cancel_gets_the_same_response(gateway: &Gateway) -> Result<()> {
    let id = intent(gateway, &example()).await?;
    let keyed = || {
        let request = of(
            gateway,
            &gateway.merchant,
            Method::POST,
            &at(&id, "/cancel"),
        );
        gateway.send(request.header("Idempotency-Key", "cancel-1"))
    };
    let answers = try_join_all((0..10).map(|_| keyed())).await?;
    for answer in &answers {
        assert_eq!(
            (answer.status, answer.at("/status")),
            (200, "CANCELED"),
            "{}",
            answer.text
        );
    }
    assert_eq!(keyed().await?.header("idempotent-replayed"), "true");
    Ok(())
}

/// The first wins, and the other gets an error.
async fn of_a_cancel_and_a_payment_only_one_succeeds(gateway: &Gateway) -> Result<()> {
    let body = json!({});
    for _ in 0..10 {
        let id = intent(gateway, &example()).await?;
        let path = at(&id, "/cancel");
        let (paid, canceled) = tokio::try_join!(
            pay(gateway, &id, cards::APPROVED),
            post(gateway, &path, &body)
        )?;
        let (status, did) = (status(gateway, &id).await?, charged(gateway, &id).await?);
        match (paid.status, canceled.status) {
            (200, 400) => {
                assert_eq!(status, "SUCCEEDED");
                assert_eq!(did, ["approved", "captured"]);
                assert_eq!(canceled.at("/error/code"), "invalid_state_transition");
            }
            (400, 200) => {
                assert_eq!(status, "CANCELED");
                assert_eq!(did, Vec::<String>::new());
                assert_eq!(paid.at("/error/code"), "invalid_state_transition");
            }
            other => bail!("{other:?}: {} {}", paid.text, canceled.text),
        }
    }
    Ok(())
}
