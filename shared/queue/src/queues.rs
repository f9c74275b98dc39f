//! One durable quorum queue for each worker, on the default exchange.

use domain::job::Worker;
use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};

/// The name of a worker's queue.
pub fn name(worker: Worker) -> String {
    format!("sluice.{worker}")
}

/// Declares every worker's queue. Idempotent.
pub async fn declare(channel: &Channel) -> Result<(), lapin::Error> {
    for worker in Worker::ALL {
        let mut arguments = FieldTable::default();
        arguments.insert(
            "x-queue-type".into(),
            AMQPValue::LongString("quorum".into()),
        );
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
