//! Webhooks that fail at first.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::job::Worker;
use tests::{Behaviour, Gateway, Receiver, cards};
use time::OffsetDateTime;

use crate::signatures::check;

/// How long until the only delivery's next attempt; nothing if there will be none.
async fn next_attempt(gateway: &Gateway) -> Result<Option<Duration>> {
    gateway.due_in(Worker::Webhook).await
}

/// State and number of attempts of the only delivery.
async fn delivery(gateway: &Gateway) -> Result<(String, i32)> {
    let deliveries = gateway.deliveries().await?;
    ensure!(deliveries.len() == 1, "{deliveries:?}");
    let delivery = deliveries.into_iter().next().context("no delivery")?;
    Ok((delivery.state, delivery.attempts))
}

/// Lets time pass until the next attempt was made.
async fn pass(gateway: &Gateway) -> Result<()> {
    let wait = next_attempt(gateway)
        .await?
        .context("no further attempt is planned")?;
    gateway.advance(wait).await?;
    gateway.drain().await
}

#[tokio::test]
async fn a_failed_webhook_is_retried_on_the_documented_schedule() -> Result<()> {
    let gateway = Gateway::start().await?;
    let receiver = Receiver::start().await?;
    receiver.behave(Behaviour::Status(500));
    let endpoint = gateway
        .register("/v1/webhooks", &receiver.url("/hook"))
        .await?;
    gateway.pay(cards::APPROVED).await?;
    gateway.drain().await?;
    let (minute, hour) = (60_u32, 3_600_u32);
    for (number, wait) in [minute, 5 * minute, 30 * minute, 2 * hour, 6 * hour]
        .into_iter()
        .enumerate()
    {
        assert_eq!(receiver.requests().len(), number + 1);
        // With up to a tenth more, so that a backlog does not return all at once.
        let planned = next_attempt(&gateway)
            .await?
            .context("no further attempt is planned")?
            .as_secs_f64();
        let wait = f64::from(wait);
        assert!(
            planned > wait - 10.0 && planned <= wait.mul_add(0.1, wait),
            "{wait}: {planned}"
        );
        // Shortly before, nothing is sent.
        gateway
            .advance(Duration::try_from_secs_f64(planned - 40.0)?)
            .await?;
        gateway.drain().await?;
        assert_eq!(receiver.requests().len(), number + 1);
        let now = OffsetDateTime::now_utc().unix_timestamp();
        pass(&gateway).await?;
        let requests = receiver.requests();
        let last = requests.last().context("no webhook")?;
        assert!(
            last.header("webhook-timestamp").parse::<i64>()? >= now,
            "an old timestamp"
        );
    }
    let requests = receiver.requests();
    let first = requests.first().context("no webhook")?;
    assert_eq!(requests.len(), 6);
    for request in &requests {
        assert_eq!(request.header("webhook-id"), first.header("webhook-id"));
        assert_eq!(request.text, first.text);
        check(request, &endpoint.secret)?;
    }
    // Then never again.
    assert_eq!(delivery(&gateway).await?, ("exhausted".to_owned(), 6));
    assert_eq!(next_attempt(&gateway).await?, None);
    gateway.advance(Duration::from_hours(48)).await?;
    gateway.drain().await?;
    assert_eq!(receiver.requests().len(), 6);
    gateway.finish().await
}

#[tokio::test]
async fn an_endpoint_that_was_down_receives_its_webhook_later() -> Result<()> {
    let gateway = Gateway::start().await?;
    let receiver = Receiver::start().await?;
    let address = receiver.address();
    receiver.close().await?;
    let endpoint = gateway
        .register("/v1/webhooks", &receiver.url("/hook"))
        .await?;
    let paid = gateway.pay(cards::APPROVED).await?;
    gateway.drain().await?;
    assert_eq!(delivery(&gateway).await?, ("delivering".to_owned(), 1));

    let receiver = Receiver::start_at(address).await?;
    receiver.behave_in_turn([
        Behaviour::Drop,
        Behaviour::Status(503),
        Behaviour::Status(204),
    ]);
    for _ in 0..3 {
        pass(&gateway).await?;
    }
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        check(request, &endpoint.secret)?;
        assert_eq!(request.json()["data"]["object"], paid.body);
    }
    assert_eq!(delivery(&gateway).await?, ("delivered".to_owned(), 4));
    let attempts = gateway.delivery_attempts().await?;
    let attempts: Vec<_> = attempts
        .iter()
        .map(|(status, error)| (*status, error.as_deref()))
        .collect();
    assert_eq!(
        attempts,
        [
            (None, Some("could not connect")),
            (None, Some("the connection broke")),
            (Some(503), None),
            (Some(204), None),
        ]
    );
    gateway.finish().await
}

#[tokio::test]
async fn a_redirect_is_not_followed() -> Result<()> {
    let gateway = Gateway::start().await?;
    let (front, behind) = (Receiver::start().await?, Receiver::start().await?);
    front.behave_in_turn([Behaviour::Redirect(behind.url("/")), Behaviour::Status(200)]);
    gateway.register("/v1/webhooks", &front.url("/")).await?;
    gateway.pay(cards::APPROVED).await?;
    gateway.drain().await?;
    assert_eq!(delivery(&gateway).await?, ("delivering".to_owned(), 1));
    pass(&gateway).await?;
    assert_eq!(delivery(&gateway).await?, ("delivered".to_owned(), 2));
    assert_eq!((front.requests().len(), behind.requests().len()), (2, 0));
    gateway.finish().await
}
