//! The webhook worker: renders an event in its endpoint's format, signs and posts it, and schedules the
//! next attempt if the endpoint did not accept it.

mod client;

use std::time::{Duration, Instant};

use apalis_core::error::BoxDynError;
use domain::delivery::{self, Event, State};
use domain::endpoint::{Policy, Status};
use domain::id::{AttemptId, EndpointId};
use domain::job::{Outcome, Worker};
use domain::merchant::Mode;
use queue::Publisher;
use store::batch::Batch;
use store::deliveries::{self, Delivery, DeliveryAttempt};
use store::jobs::{self, Lease};
use store::key_file;
use store::{PgPool, Role};
use telemetry::metrics::table::{WEBHOOK_ATTEMPT_DURATION, WEBHOOK_ATTEMPTS};
use time::OffsetDateTime;
use wire::signature::{Key, Message};

use self::client::{Client, PostResult};
use crate::config::Webhook as Config;
use crate::runtime::shares::{Party, Share};
use crate::runtime::{self, Handler, HeldLease};

/// Dependencies shared by all deliveries.
#[derive(Clone)]
struct Context {
    db: PgPool,
    attempts: Batch<DeliveryAttempt>,
    key: Key,
    client: Client,
}

pub async fn run(config: &Config) -> anyhow::Result<()> {
    let (shared, stores) = (&config.shared, &config.shared.process);
    let connections = shared.database_connections;
    let db = store::connect(Role::Webhook, &stores.database_url, connections)?;
    let context = Context {
        db: db.clone(),
        attempts: Batch::start(&db),
        key: Key::new(*key_file::read(&config.webhook_key_file)?),
        client: Client::new(Policy {
            is_loopback_allowed: config.webhook_local,
        })?,
    };
    let publisher = Publisher::start(&stores.amqp_url, "sluice webhook");
    runtime::run(shared, db, publisher, context, shared.slots()).await
}

impl Handler for Context {
    const WORKER: Worker = Worker::Webhook;
    type Owner = Delivery;

    fn lease(&self) -> Duration {
        client::TIMEOUT + runtime::LEASE_MARGIN
    }

    fn shares(&self, delivery: &Delivery) -> (Mode, Vec<Share>) {
        let endpoint = Party::Endpoint(delivery.endpoint_id);
        let mut shares = vec![Share::of(Party::Merchant(delivery.merchant_id), 8)];
        if delivery.is_failing {
            // One attempt at a time finds out whether it works again.
            shares.push(Share::at_most(endpoint, usize::MAX));
            shares.push(Share::at_most(Party::Failing, 4));
        } else {
            shares.push(Share::of(endpoint, 16));
        }
        (delivery.mode, shares)
    }

    async fn advance(&self, delivery: Delivery, held: HeldLease) -> Result<Outcome, BoxDynError> {
        if delivery.state != State::Delivering {
            jobs::complete(&self.db, held.lease).await?;
            return Ok(Outcome::Done);
        }
        if delivery.status != Status::Active {
            let age = (OffsetDateTime::now_utc() - delivery.written_at).try_into();
            let wait = delivery::wait_while_disabled(age.unwrap_or_default());
            let wait = wait.filter(|_| delivery.status == Status::Disabled);
            let Some(after) = wait else {
                deliveries::cancel(&self.db, delivery.id, held.lease).await?;
                return Ok(Outcome::Done);
            };
            return Ok(Outcome::Reschedule { after });
        }
        if !delivery.paused.is_zero() {
            // Not all at once after the pause.
            let later = delivery.paused / 2 * u32::from(rand::random::<u8>()) / 255;
            return Ok(Outcome::Reschedule {
                after: delivery.paused + later,
            });
        }
        let Some(body) = delivery.body.clone().or_else(|| render(&delivery)) else {
            let reason = "the endpoint's surface has no format for this event";
            return Ok(Outcome::Park {
                reason: reason.to_owned(),
            });
        };
        if !held.covers(client::TIMEOUT) {
            return Ok(runtime::lease_lost(&held));
        }
        let attempt = self.attempt(&delivery, held.lease, body).await;
        let recorded = self.attempts.run(attempt).await?;
        if recorded.is_paused {
            self.postpone(delivery.endpoint_id);
        }
        if recorded.is_recorded {
            return Ok(Outcome::Done);
        }
        // Another worker recorded this attempt before this lease began: read the row again.
        Ok(Outcome::Reschedule {
            after: Duration::ZERO,
        })
    }
}

impl Context {
    /// Postpones what waits for a paused endpoint, in the background: there may be thousands.
    fn postpone(&self, endpoint: EndpointId) {
        let db = self.db.clone();
        tokio::spawn(async move {
            if let Err(error) = deliveries::postpone(&db, endpoint).await {
                tracing::warn!(%endpoint, %error, "cannot postpone what waits for a paused endpoint, each delivery will find out");
            }
        });
    }

    async fn attempt(&self, delivery: &Delivery, lease: Lease, body: String) -> DeliveryAttempt {
        let message = Message {
            event: delivery.event_id,
            timestamp: OffsetDateTime::now_utc().unix_timestamp(),
            body: &body,
            endpoint: delivery.endpoint_id,
            secrets: delivery.secrets,
            merchant: delivery.merchant_id,
            merchant_secrets: delivery.merchant_secrets,
            mode: delivery.mode,
            ed25519: delivery.ed25519,
        };
        let headers = message.headers(&self.key);
        let started = Instant::now();
        let posted = self
            .client
            .post(delivery.mode, &delivery.url, headers, body.clone())
            .await;
        let duration = started.elapsed();
        measure(delivery, &posted, duration);
        let (event, status, error, response) = match posted {
            PostResult::Failed(failure) => {
                let event = Event::Failed { retry_after: None };
                (event, None, Some(failure.reason()), None)
            }
            PostResult::Responded(response) => {
                let retry_after = response.retry_after;
                let event = if response.is_accepted() {
                    Event::Accepted
                } else {
                    Event::Failed { retry_after }
                };
                let excerpt = delivery::excerpt(&response.body);
                (event, Some(response.status), None, excerpt)
            }
        };
        let next = delivery::next(event, delivery.attempt, rand::random());
        if event != Event::Accepted {
            let response = status.map_or_else(
                || error.unwrap_or_default().to_owned(),
                |status| status.to_string(),
            );
            log_refusal(delivery, &response, next.retry_after);
        }
        DeliveryAttempt {
            id: delivery.id,
            lease,
            attempt_id: AttemptId(store::new_id()),
            endpoint_id: delivery.endpoint_id,
            url: delivery.url.clone(),
            was_failing: delivery.is_failing,
            has_recent_success: delivery.has_recent_success,
            attempt: delivery.attempt,
            state: next.state,
            retry_after: next.retry_after,
            status,
            error,
            response,
            duration,
            body: next.retry_after.map(|_| body),
        }
    }
}

fn measure(delivery: &Delivery, posted: &PostResult, took: Duration) {
    let endpoint = if delivery.is_failing {
        "failing"
    } else {
        "healthy"
    };
    WEBHOOK_ATTEMPTS.increment([endpoint, posted.class()]);
    WEBHOOK_ATTEMPT_DURATION.observe([endpoint], took);
}

/// Logs an attempt that the endpoint did not accept. The URL may hold a secret, so its id stands for it.
fn log_refusal(delivery: &Delivery, response: &str, retry_after: Option<Duration>) {
    let Delivery {
        id,
        attempt,
        endpoint_id: endpoint,
        event_id: event,
        merchant_id: merchant,
        ..
    } = delivery;
    match retry_after {
        Some(retry_in) => {
            tracing::info!(delivery = %id, %endpoint, %event, %merchant, attempt, response, ?retry_in, "webhook was not accepted, will retry");
        }
        None => {
            tracing::warn!(delivery = %id, %endpoint, %event, %merchant, attempt, response, "webhook was not accepted, gave up after the last attempt");
        }
    }
}

fn render(delivery: &Delivery) -> Option<String> {
    let (id, event, at) = (delivery.event_id, &delivery.event, delivery.occurred_at);
    wire::event::render(delivery.surface, id, event, at)
}
