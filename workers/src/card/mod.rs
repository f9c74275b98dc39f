//! The card worker: authorizes and captures, and never loses track of an attempt.

mod keys;
mod run;
mod transition;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use apalis_core::error::BoxDynError;
use domain::id::PaymentId;
use domain::job::{Outcome, Worker};
use queue::{JobMessage, Publisher};
use store::PgPool;
use store::batch::Batch;
use store::jobs::ATTEMPTS_MAX;
use store::payments::{Claim, Transitions};

use self::keys::Keys;
use self::run::{Lease, Run};
use crate::acquirers::Acquirers;
use crate::acquirers::sandbox::Sandbox;
use crate::config::Card as Config;
use crate::runtime::{self, Handle};

/// How often keys are rotated and retired, if it is time.
const KEYS_CHECK: Duration = Duration::from_hours(1);

/// What every case needs.
#[derive(Clone)]
struct Context {
    db: PgPool,
    claims: Batch<Claim>,
    changes: Transitions,
    publisher: Publisher,
    acquirers: Arc<Acquirers>,
    keys: Arc<Keys>,
    /// How long an acquirer's answer is waited for.
    acquirer_timeout: Duration,
}

pub async fn run(config: &Config) -> anyhow::Result<()> {
    let (shared, stores) = (&config.shared, &config.shared.process);
    let connections = shared.database_connections;
    let db = store::connect(&stores.database_url, "sluice card", connections)?;
    let keys = Arc::new(Keys::open(&config.keys_dir)?);
    keep_keys(Arc::clone(&keys), db.clone());
    let sandbox = Sandbox::new(&config.acquiring.sandbox_url, config.acquiring.timeout())
        .context("the sandbox acquirer's URL")?;
    let publisher = Publisher::start(&stores.amqp_url, "sluice card");
    let context = Context {
        claims: Batch::start(&db),
        changes: Transitions::start(&db),
        publisher: publisher.clone(),
        acquirers: Arc::new(Acquirers { test: sandbox }),
        keys,
        acquirer_timeout: config.acquiring.timeout(),
        db: db.clone(),
    };
    runtime::run(shared, db, publisher, context).await
}

/// Rotates the sealing keys in the background, and tries until the first one is there.
fn keep_keys(keys: Arc<Keys>, db: PgPool) {
    tokio::spawn(async move {
        loop {
            let wait = match keys.rotate(&db).await {
                Ok(()) => KEYS_CHECK,
                Err(error) => {
                    tracing::warn!(%error, "the sealing keys are not rotated yet");
                    Duration::from_secs(1)
                }
            };
            tokio::time::sleep(wait).await;
        }
    });
}

impl Handle for Context {
    const WORKER: Worker = Worker::Card;

    async fn handle(&self, delivery: JobMessage) -> Result<Outcome, BoxDynError> {
        let lease = Lease::new();
        let claim = Claim {
            payment_id: PaymentId(delivery.job.id),
            seq: delivery.job.seq,
            lease: lease.id,
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
        let intent = match claimed.payment.intent_id {
            Some(id) => store::intents::get(&self.db, id).await?,
            None => None,
        };
        let mut run = Run::new(self, claimed, intent, lease);
        let outcome = run.work(delivery.job).await?;
        if let Some(reply_to) = delivery.reply_to.filter(|_| !run.state().is_in_progress()) {
            self.publisher.reply(&reply_to, delivery.job.id);
        }
        Ok(outcome)
    }
}
