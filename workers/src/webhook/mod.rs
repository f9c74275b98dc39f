//! The webhook worker: renders an event in its endpoint's words, signs it, posts it, and plans the
//! next try.

mod client;

use std::time::Instant;

use apalis_core::error::BoxDynError;
use domain::delivery::{self, Event};
use domain::endpoint::Policy;
use domain::id::DeliveryId;
use domain::work::{Outcome, Worker};
use queue::{Bell, Delivery};
use store::batch::Batch;
use store::deliveries::{Claim, Claimed, Tried};
use store::key_file;
use store::outbox::ATTEMPTS_MAX;
use time::OffsetDateTime;
use wire::signature::{Key, Message};

use self::client::{Client, Posted};
use crate::config::Webhook as Config;
use crate::runtime::{self, Handle};

/// What every delivery needs.
#[derive(Clone)]
struct Desk {
    claims: Batch<Claim>,
    tries: Batch<Tried>,
    key: Key,
    client: Client,
}

pub async fn run(config: &Config) -> anyhow::Result<()> {
    let (shared, stores) = (&config.shared, &config.shared.process);
    let connections = shared.database_connections;
    let db = store::connect(&stores.database_url, "sluice webhook", connections)?;
    let desk = Desk {
        claims: Batch::start(&db),
        tries: Batch::start(&db),
        key: Key::new(*key_file::read(&config.webhook_key_file)?),
        client: Client::new(Policy {
            is_loopback_allowed: config.webhook_local,
        })?,
    };
    let bell = Bell::start(&stores.amqp_url, "sluice webhook");
    runtime::run(shared, db, bell, desk).await
}

impl Handle for Desk {
    const WORKER: Worker = Worker::Webhook;

    async fn handle(&self, delivery: Delivery) -> Result<Outcome, BoxDynError> {
        let claim = Claim {
            delivery_id: DeliveryId(delivery.job.id),
            seq: delivery.job.seq,
            lease: store::fresh_id(),
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
        let tried = self.try_once(&claimed, body).await;
        self.tries.run(tried).await?;
        Ok(Outcome::Done)
    }
}

impl Desk {
    async fn try_once(&self, claimed: &Claimed, body: String) -> Tried {
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
        let begun = Instant::now();
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
            Posted::Answered(status) => (Some(status), None),
            Posted::Unanswered(why) => (None, Some(why)),
        };
        Tried {
            id: claimed.id,
            attempt: claimed.attempt,
            state: next.state,
            retry_after: next.retry_after,
            status,
            error,
            duration: begun.elapsed(),
            body: next.retry_after.map(|_| body),
        }
    }
}

fn render(claimed: &Claimed) -> Option<String> {
    let (id, notice, at) = (claimed.event_id, &claimed.notice, claimed.happened_at);
    wire::event::render(claimed.surface, id, notice, at)
}
