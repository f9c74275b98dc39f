//! What this machine can do without the gateway: the accept statement by pgbench, and a bare hop
//! through the broker.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection, ConnectionProperties, Consumer, PublisherConfirm};
use tests::Gateway;
use tokio::process::Command;
use tokio::time::Instant;

/// The store's own statement.
const ACCEPT: &str = include_str!("../../shared/store/src/accept.sql");
/// Confirms in flight on the bare hop.
const IN_FLIGHT: usize = 256;

/// How often a second pgbench runs the accept statement, one payment each.
pub async fn accepts_a_second(gateway: &Gateway, clients: usize, block: Duration) -> Result<f64> {
    let merchant = gateway.merchant.merchant_id.0;
    let script = std::env::temp_dir().join(format!("{}.sql", gateway.name()));
    std::fs::write(&script, one_payment(&merchant.to_string()))?;
    let output = Command::new(pgbench()?)
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .args([
            "--client",
            &clients.to_string(),
            "--time",
            &block.as_secs().to_string(),
        ])
        .arg("--file")
        .arg(&script)
        .arg(gateway.database_url())
        // The same plans that the gateway's own connections ask for.
        .env("PGOPTIONS", lookup_settings())
        .stderr(Stdio::piped())
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::remove_file(&script)?;
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate = rate
        .and_then(|rate| rate.split(' ').next())
        .context("pgbench printed no tps")?;
    Ok(rate.parse()?)
}

/// The statement with the values of one payment without a card.
fn one_payment(merchant: &str) -> String {
    let input = format!(
        r"(select jsonb_build_array(jsonb_build_object(
            'ord', 0, 'payment_id', id, 'merchant_id', '{merchant}', 'live', false,
            'state', 'created', 'amount', '50.00', 'currency', 'USD', 'exponent', 2,
            'method', 'card', 'description', '1', 'metadata', '{{}}'::jsonb, 'expires_in', 86400,
            'effects', jsonb_build_object(
                'history', jsonb_build_array(jsonb_build_object(
                    'payment_id', id, 'version', 0, 'event', 'created', 'state', 'created')),
                'jobs', jsonb_build_array(jsonb_build_object(
                    'worker', 'card', 'id', id, 'merchant_id', '{merchant}', 'live', false,
                    'due_in', 86400)))))
        from gen_random_uuid() id)"
    );
    ACCEPT.replace("$1", &input)
}

fn lookup_settings() -> String {
    let options = store::LOOKUP_SETTINGS.map(|(name, value)| format!("-c {name}={value}"));
    options.join(" ")
}

fn pgbench() -> Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")?;
    let paths = versions.filter_map(|version| Some(version.ok()?.path().join("bin/pgbench")));
    paths
        .filter(|path| path.exists())
        .max()
        .context("pgbench is not installed")
}

/// A queue of the measurements' own, and what publishes to it.
pub struct Hop {
    out: Connection,
    back: Connection,
    sender: lapin::Channel,
}

impl Hop {
    const QUEUE: &str = "bench.hop";

    /// Opens a connection to publish and one to consume.
    pub async fn open(gateway: &Gateway) -> Result<(Self, Consumer)> {
        let url = gateway.amqp_url();
        let connect = || Connection::connect(&url, ConnectionProperties::default());
        let (out, back) = (connect().await?, connect().await?);
        let (sender, receiver) = (out.create_channel().await?, back.create_channel().await?);
        let mut quorum = FieldTable::default();
        let kind = AMQPValue::LongString("quorum".into());
        quorum.insert("x-queue-type".into(), kind);
        let durable = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let queue = Self::QUEUE.into();
        receiver.queue_declare(queue, durable, quorum).await?;
        receiver.basic_qos(128, BasicQosOptions::default()).await?;
        let (options, table) = (BasicConsumeOptions::default(), FieldTable::default());
        let queue = Self::QUEUE.into();
        let consumer = receiver.basic_consume(queue, "".into(), options, table);
        let consumer = consumer.await?;
        let confirm = ConfirmSelectOptions::default();
        sender.confirm_select(confirm).await?;
        Ok((Self { out, back, sender }, consumer))
    }

    /// Publishes as the gateway does: persistent, mandatory, to be confirmed.
    pub async fn publish(&self, body: &[u8]) -> Result<PublisherConfirm> {
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let properties = BasicProperties::default().with_delivery_mode(2);
        let queue = Self::QUEUE.into();
        let published = self
            .sender
            .basic_publish("".into(), queue, options, body, properties);
        Ok(published.await?)
    }

    /// Closes both connections; the consumer ends.
    pub async fn close(self) -> Result<()> {
        self.back.close(0, "".into()).await?;
        self.out.close(0, "".into()).await?;
        Ok(())
    }
}

/// How many messages a second go through a quorum queue: published persistent and confirmed,
/// consumed, acknowledged.
pub async fn hops_a_second(gateway: &Gateway, block: Duration) -> Result<f64> {
    let (hop, mut consumer) = Hop::open(gateway).await?;
    let counted = tokio::spawn(async move {
        let mut count = 0_u64;
        while let Some(Ok(delivery)) = consumer.next().await {
            if delivery.ack(BasicAckOptions::default()).await.is_err() {
                break;
            }
            count += 1;
        }
        count
    });
    let started = Instant::now();
    publish_until(&hop, started + block).await?;
    let elapsed = started.elapsed();
    hop.close().await?;
    Ok(counted.await? as f64 / elapsed.as_secs_f64())
}

async fn publish_until(hop: &Hop, end: Instant) -> Result<()> {
    let mut confirms = FuturesUnordered::new();
    while Instant::now() < end {
        confirms.push(hop.publish(b"0123456789").await?);
        if confirms.len() >= IN_FLIGHT {
            confirms.next().await.transpose()?;
        }
    }
    while let Some(confirm) = confirms.next().await {
        confirm?;
    }
    Ok(())
}
