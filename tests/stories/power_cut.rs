//! Both stores die at once, and the broker comes back with an empty disk.

use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;
use tests::{Gateway, Options, Process, Receiver, Store, cards, until};

#[tokio::test]
async fn postgres_alone_rebuilds_every_queue() -> Result<()> {
    let options = Options {
        own_stores: true,
        wait_ms: 1_000,
        ..Options::default()
    };
    let gateway = Gateway::with(options).await?;
    let receiver = Receiver::start().await?;
    gateway.register("/v1/webhooks", &receiver.url("/")).await?;
    let paid = gateway.pay_with_key(cards::APPROVED, "before").await?;
    gateway.drain().await?;
    // Accepted, but not processed: the worker is stopped.
    gateway.stop(Process::Card).await?;
    let left = try_join_all((0..5).map(|_| gateway.pay(cards::APPROVED))).await?;
    assert!(left.iter().all(|answer| answer.at("/status") == "pending"));

    let stores = gateway.stores();
    stores.kill(Store::Postgres).await?;
    stores.kill(Store::Rabbitmq).await?;
    gateway.cont(Process::Card).await?;
    let refused = gateway.pay_with_key(cards::APPROVED, "meanwhile").await?;
    assert_eq!(
        (refused.status, refused.at("/error/code")),
        (503, "unavailable")
    );
    assert_eq!(refused.header("retry-after"), "1");

    stores.wipe_broker()?;
    stores.start(Store::Postgres).await?;
    // Payments are accepted without the broker.
    let accepted = until(
        "payments are accepted",
        Duration::from_secs(20),
        async || {
            let answer = gateway.pay_with_key(cards::APPROVED, "meanwhile").await?;
            Ok((answer.status == 200).then_some(answer))
        },
    )
    .await?;
    assert_eq!(accepted.at("/status"), "pending");
    stores.start(Store::Rabbitmq).await?;
    stores.make_vhost(gateway.name()).await?;
    gateway.drain().await?;

    for answer in left.iter().chain([&accepted]) {
        let read = gateway
            .get(&format!("/v1/payments/{}", answer.at("/id")))
            .await?;
        assert_eq!(read.at("/status"), "succeeded");
    }
    assert_eq!(
        gateway.pay_with_key(cards::APPROVED, "before").await?.text,
        paid.text
    );
    assert_eq!(receiver.requests().len(), 7);
    gateway.finish().await
}
