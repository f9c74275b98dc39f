//! The webhook worker: renders an event in its endpoint's words, signs it, posts it, and plans the
//! next try.

mod client;

use std::time::Instant;

use apalis_core::error::BoxDynError;
use domain::delivery::{self, Event};
use domain::endpoint::Policy;
use domain::id::DeliveryId;
use domain::job::{Outcome, Worker};
use queue::{JobMessage, Publisher};
use store::batch::Batch;
use store::deliveries::{Claim, Claimed, DeliveryAttempt};
use store::jobs::ATTEMPTS_MAX;
use store::key_file;
use time::OffsetDateTime;
use wire::signature::{Key, Message};

use self::client::{Client, PostResult};
use crate::config::Webhook as Config;
use crate::runtime::{self, Handle};

/// What every delivery needs.
#[derive(Clone)]
struct Context {
    claims: Batch<Claim>,
    attempts: Batch<DeliveryAttempt>,
    key: Key,
    client: Client,
}

pub async fn run(config: &Config) -> anyhow::Result<()> {
    let (shared, stores) = (&config.shared, &config.shared.process);
    let connections = shared.database_connections;
    let db = store::connect(&stores.database_url, "sluice webhook", connections)?;
    let context = Context {
        claims: Batch::start(&db),
        attempts: Batch::start(&db),
        key: Key::new(*key_file::read(&config.webhook_key_file)?),
        client: Client::new(Policy {
            is_loopback_allowed: config.webhook_local,
        })?,
    };
    let publisher = Publisher::start(&stores.amqp_url, "sluice webhook");
    runtime::run(shared, db, publisher, context).await
}

impl Handle for Context {
    const WORKER: Worker = Worker::Webhook;

    async fn handle(&self, delivery: JobMessage) -> Result<Outcome, BoxDynError> {
        let claim = Claim {
            delivery_id: DeliveryId(delivery.job.id),
            seq: delivery.job.seq,
            lease: store::new_id(),
        };
        let Some(claimed) = self.claims.run(claim).await? else {
            return Ok(Outcome::Done);
        };
        if claimed.claims > ATTEMPTS_MAX {
            let why = "claimed again and again without an outcome: it may end its worker";
            return Ok(Outcome::GiveUp {
                why: why.to_owned(),
            });
        }
        let Some(body) = claimed.body.clone().or_else(|| render(&claimed)) else {
            let why = "the endpoint's surface has no words for this event";
            return Ok(Outcome::GiveUp {
                why: why.to_owned(),
            });
        };
        let attempt = self.attempt_delivery(&claimed, body).await;
        self.attempts.run(attempt).await?;
        Ok(Outcome::Done)
    }
}

impl Context {
    async fn attempt_delivery(&self, claimed: &Claimed, body: String) -> DeliveryAttempt {
        let message = Message {
            event: claimed.event_id,
            timestamp: OffsetDateTime::now_utc().unix_timestamp(),
            body: &body,
            endpoint: claimed.endpoint_id,
            merchant: claimed.merchant_id,
            mode: claimed.mode,
            ed25519: claimed.ed25519,
        };
        let headers = message.headers(&self.key);
        let started = Instant::now();
        let posted = self
            .client
            .post(claimed.mode, &claimed.url, headers, body.clone())
            .await;
        let event = if posted.is_accepted() {
            Event::Accepted
        } else {
            Event::Refused
        };
        let next = delivery::after(event, claimed.attempt, rand::random());
        let (status, error) = match posted {
            PostResult::Responded(status) => (Some(status), None),
            PostResult::Failed(why) => (None, Some(why)),
        };
        DeliveryAttempt {
            id: claimed.id,
            attempt: claimed.attempt,
            state: next.state,
            retry_after: next.retry_after,
            status,
            error,
            duration: started.elapsed(),
            body: next.retry_after.map(|_| body),
        }
    }
}

fn render(claimed: &Claimed) -> Option<String> {
    let (id, event, at) = (claimed.event_id, &claimed.event, claimed.happened_at);
    wire::event::render(claimed.surface, id, event, at)
}
