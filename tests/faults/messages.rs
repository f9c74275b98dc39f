//! Foreign messages, and queues that are purged or deleted.

use anyhow::{Result, ensure};
use domain::job::{Job, Worker};
use futures::{StreamExt, TryStreamExt, stream};
use lapin::BasicProperties;
use tests::{Options, Process, cards, payment_id};
use uuid::Uuid;

use crate::broker::Broker;
use crate::proxy::Gate;
use crate::scene::Scene;

const QUEUES: [&str; 2] = ["sluice.jobs.card", "sluice.jobs.webhook"];

/// Messages that are not jobs.
fn garbage() -> Vec<Vec<u8>> {
    let id = "01920000-0000-7000-8000-000000000000";
    let texts = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        format!(r#"{{"worker":"card","id":"{id}","seq":1"#),
        format!(r#"{{"worker":"card","id":"{id}"}}"#),
        format!(r#"{{"worker":"nobody","id":"{id}","seq":1}}"#),
        format!(r#"{{"worker":"card","id":"{id}","seq":1,"amount":"-5"}}"#),
        format!(r#"{{"worker":"card","id":"{id}","seq":99999999999999999999}}"#),
        format!(r#"{{"worker":"card","id":"{id}","seq":"1"}}"#),
        r#"{"worker":"card","id":"' or 1=1 --","seq":1}"#.to_owned(),
        "[".repeat(100_000),
    ];
    let mut all: Vec<Vec<u8>> = texts.map(String::into_bytes).into();
    all.push(vec![0xff; 64]);
    all.push(vec![0; 4 << 20]);
    all
}

#[tokio::test]
async fn malformed_messages_are_discarded() -> Result<()> {
    let scene = Scene::with(Options::default()).await?;
    let broker = Broker::connect(&scene.gateway).await?;
    for queue in QUEUES {
        for body in garbage() {
            broker
                .publish(queue, &body, BasicProperties::default())
                .await?;
        }
    }
    for queue in QUEUES {
        broker.wait_for(queue, 0).await?;
    }
    assert_eq!(
        scene.gateway.pay(cards::APPROVED).await?.at("/status"),
        "succeeded"
    );
    scene.gateway.drain().await?;
    // Discarded for good: nothing is redelivered when the workers restart.
    for worker in [Process::Card, Process::Webhook] {
        scene.gateway.terminate(worker).await?;
    }
    for queue in QUEUES {
        assert_eq!(broker.waiting(queue).await?, 0);
    }
    scene
        .gateway
        .launch(&[Process::Card, Process::Webhook])
        .await?;
    for worker in [Process::Card, Process::Webhook] {
        let log = scene.gateway.log(worker);
        assert_eq!(
            log.matches("discarded a message that is not a job").count(),
            garbage().len()
        );
    }
    scene.finish().await
}

/// Jobs with unknown ids, past and future sequence numbers, the wrong worker, or of final objects, and
/// with another queue to reply to.
#[tokio::test]
async fn messages_for_no_existing_job_are_discarded() -> Result<()> {
    let scene = Scene::with(Options::default()).await?;
    let declined = scene
        .gateway
        .pay(cards::DECLINED)
        .await?
        .at("/id")
        .to_owned();
    let paid = scene
        .gateway
        .pay(cards::APPROVED)
        .await?
        .at("/id")
        .to_owned();
    scene.gateway.drain().await?;
    let before = (
        scene.gateway.history(&declined).await?,
        scene.gateway.history(&paid).await?,
    );
    let broker = Broker::connect(&scene.gateway).await?;
    for queue in QUEUES {
        for worker in Worker::ALL {
            for id in [Uuid::nil(), Uuid::max(), Uuid::now_v7(), payment_id(&paid)?] {
                for seq in [i64::MIN, -1, 0, 1, 2, i64::MAX] {
                    let body = queue::encode(&Job { worker, id, seq });
                    let reply_to = BasicProperties::default().with_reply_to(QUEUES[0].into());
                    broker.publish(queue, body.as_bytes(), reply_to).await?;
                }
            }
        }
    }
    for queue in QUEUES {
        broker.wait_for(queue, 0).await?;
    }
    scene.gateway.drain().await?;
    let after = (
        scene.gateway.history(&declined).await?,
        scene.gateway.history(&paid).await?,
    );
    assert_eq!(before, after);
    assert_eq!(scene.gateway.sandbox_log()?.len(), 3);
    assert_eq!(scene.receiver.requests().len(), 2);
    scene.finish().await
}

/// The broker rejects what a full queue has no room for. The scheduler publishes those jobs later.
#[tokio::test]
async fn a_full_queue_delays_jobs_and_loses_none() -> Result<()> {
    let scene = Scene::with(Options::default()).await?;
    let broker = Broker::connect(&scene.gateway).await?;
    let queue = queue::name(Worker::Webhook);
    scene.gateway.terminate(Process::Webhook).await?;
    let fill = async || {
        let job = Job {
            worker: Worker::Webhook,
            id: Uuid::now_v7(),
            seq: 1,
        };
        let body = queue::encode(&job);
        let properties = BasicProperties::default();
        broker.publish(&queue, body.as_bytes(), properties).await
    };
    let messages = stream::iter(0..11_000).map(|_| fill());
    let published = messages.buffer_unordered(256);
    published.try_collect::<Vec<()>>().await?;
    let waiting = broker.waiting(&queue).await?;
    ensure!((10_000..11_000).contains(&waiting), "{waiting} messages");
    let paid = scene.gateway.pay(cards::APPROVED).await?;
    assert_eq!(paid.at("/status"), "succeeded");
    scene.gateway.terminate(Process::Card).await?;
    let log = scene.gateway.log(Process::Card);
    ensure!(log.contains("its queue is full"), "{log}");
    let workers = [Process::Card, Process::Webhook];
    scene.gateway.launch(&workers).await?;
    scene.gateway.drain().await?;
    assert_eq!(scene.receiver.requests().len(), 1);
    scene.finish().await
}

/// Waiting messages or whole queues are lost: the scheduler publishes the jobs again.
#[tokio::test]
async fn purged_and_deleted_queues_lose_nothing() -> Result<()> {
    let scene = Scene::patient().await?;
    let broker = Broker::connect(&scene.gateway).await?;
    scene.gateway.kill(Process::Card)?;
    let purged = scene.pay_pending(cards::APPROVED).await?;
    broker.purge("sluice.jobs.card").await?;
    scene.gateway.launch(&[Process::Card]).await?;
    scene.gateway.drain().await?;
    assert_eq!(scene.became(&purged).await?.2, ["approved", "captured"]);
    // Deleted while workers consume, and while a payment is in progress.
    let acquirer = scene.before_acquirer().await?;
    acquirer.back().set(Gate::Hold(&["\"approved\""]));
    let in_progress = scene.pay_pending(cards::APPROVED).await?;
    acquirer.back().holds(1).await?;
    for queue in QUEUES {
        broker.delete(queue).await?;
    }
    acquirer.back().set(Gate::Pass);
    let deleted = scene.gateway.pay(cards::APPROVED).await?;
    assert_eq!(deleted.status, 200);
    scene.gateway.drain().await?;
    for payment in [in_progress.as_str(), deleted.at("/id")] {
        assert_eq!(scene.became(payment).await?.2, ["approved", "captured"]);
    }
    for queue in QUEUES {
        assert_eq!(broker.waiting(queue).await?, 0);
    }
    scene.finish().await
}
