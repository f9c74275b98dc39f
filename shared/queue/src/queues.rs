//! One durable quorum queue for each worker, on the default exchange.

use domain::job::Worker;
use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};

/// The most messages that wait in a queue: about what one worker does in ten seconds. The broker rejects
/// more, and the scheduler publishes their jobs later.
const LENGTH_MAX: i32 = 10_000;

/// The name of a worker's queue. The arguments of a queue never change: other arguments need another name.
pub fn name(worker: Worker) -> String {
    format!("sluice.jobs.{worker}")
}

/// Declares every worker's queue. Idempotent.
pub async fn declare(channel: &Channel) -> Result<(), lapin::Error> {
    for worker in Worker::ALL {
        let text = |value: &str| AMQPValue::LongString(value.into());
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), text("quorum"));
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(LENGTH_MAX));
        // Without this the broker would drop the oldest message.
        arguments.insert("x-overflow".into(), text("reject-publish"));
        let durable = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        channel
            .queue_declare(name(worker).into(), durable, arguments)
            .await?;
    }
    Ok(())
}

/// How many messages wait in a worker's queue.
pub(crate) async fn length(channel: &Channel, worker: Worker) -> Result<u32, lapin::Error> {
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let queue = channel
        .queue_declare(name(worker).into(), passive, FieldTable::default())
        .await?;
    Ok(queue.message_count())
}
