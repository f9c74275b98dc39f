//! Direct access to the broker.

use anyhow::Result;
use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions,
    QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use tests::{Gateway, JobRow, until};

use crate::scene::SOON;

/// A channel to a gateway's virtual host.
pub struct Broker {
    channel: Channel,
    _connection: Connection,
}

impl Broker {
    /// Connects.
    pub async fn connect(gateway: &Gateway) -> Result<Self> {
        let connection =
            Connection::connect(&gateway.amqp_url(), ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok(Self {
            channel,
            _connection: connection,
        })
    }

    /// How many messages of a queue are not delivered yet.
    pub async fn waiting(&self, queue: &str) -> Result<u32> {
        let passive = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let queue = self
            .channel
            .queue_declare(queue.into(), passive, FieldTable::default());
        Ok(queue.await?.message_count())
    }

    /// Waits until this many are not delivered.
    pub async fn wait_for(&self, queue: &str, count: u32) -> Result<()> {
        let what = format!("{count} messages wait in {queue}");
        until(&what, SOON, async || {
            Ok((self.waiting(queue).await? == count).then_some(()))
        })
        .await
    }

    /// Publishes to a queue.
    pub async fn publish(
        &self,
        queue: &str,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<()> {
        let options = BasicPublishOptions::default();
        let published = self
            .channel
            .basic_publish("".into(), queue.into(), options, body, properties)
            .await?;
        published.await?;
        Ok(())
    }

    /// Publishes jobs as the broker redelivers their messages. Its own redelivery of a new job's message
    /// expires after three seconds.
    pub async fn redeliver(&self, jobs: &[JobRow]) -> Result<()> {
        for JobRow { job, .. } in jobs {
            let body = queue::encode(job);
            let queue = queue::name(job.worker);
            let properties = BasicProperties::default();
            self.publish(&queue, body.as_bytes(), properties).await?;
        }
        Ok(())
    }

    /// Deletes a queue with its messages.
    pub async fn delete(&self, queue: &str) -> Result<()> {
        let options = QueueDeleteOptions::default();
        self.channel.queue_delete(queue.into(), options).await?;
        Ok(())
    }

    /// Empties a queue.
    pub async fn purge(&self, queue: &str) -> Result<()> {
        let options = QueuePurgeOptions::default();
        self.channel.queue_purge(queue.into(), options).await?;
        Ok(())
    }
}
