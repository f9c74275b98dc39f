//! The card worker: authorizes and captures, and never loses track of an attempt.

mod acquirer;
mod acquirers;
mod case;
mod change;
mod keys;
pub mod refund;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use apalis_core::error::BoxDynError;
use domain::id::PaymentId;
use domain::work::{Outcome, Worker};
use queue::{Bell, Delivery};
use store::PgPool;
use store::batch::Batch;
use store::outbox::ATTEMPTS_MAX;
use store::payments::{Changes, Claim};

use self::acquirer::Acquirers;
use self::acquirers::sandbox::Sandbox;
use self::case::{Case, Lease};
use self::keys::Keys;
use crate::config::Card as Config;
use crate::runtime::{self, Handle};

/// How often keys are rotated and retired, if it is time.
const KEYS_LOOK: Duration = Duration::from_hours(1);

/// What every case needs.
#[derive(Clone)]
struct Desk {
    db: PgPool,
    claims: Batch<Claim>,
    changes: Changes,
    bell: Bell,
    acquirers: Arc<Acquirers>,
    keys: Arc<Keys>,
    /// How long an acquirer's answer is waited for.
    answers_within: Duration,
}

pub async fn run(config: &Config) -> anyhow::Result<()> {
    let (shared, stores) = (&config.shared, &config.shared.process);
    let connections = shared.database_connections;
    let db = store::connect(&stores.database_url, "sluice card", connections)?;
    let keys = Arc::new(Keys::open(&config.keys_dir)?);
    keep_keys(Arc::clone(&keys), db.clone());
    let sandbox = Sandbox::new(&config.acquiring.sandbox_url, config.acquiring.timeout())
        .context("the sandbox acquirer's URL")?;
    let bell = Bell::start(&stores.amqp_url, "sluice card");
    let desk = Desk {
        claims: Batch::start(&db),
        changes: Changes::start(&db),
        bell: bell.clone(),
        acquirers: Arc::new(Acquirers { test: sandbox }),
        keys,
        answers_within: config.acquiring.timeout(),
        db: db.clone(),
    };
    runtime::run(shared, db, bell, desk).await
}

/// Rotates the sealing keys in the background, and tries until the first one is there.
fn keep_keys(keys: Arc<Keys>, db: PgPool) {
    tokio::spawn(async move {
        loop {
            let wait = match keys.rotate(&db).await {
                Ok(()) => KEYS_LOOK,
                Err(error) => {
                    tracing::warn!(%error, "the sealing keys are not rotated yet");
                    Duration::from_secs(1)
                }
            };
            tokio::time::sleep(wait).await;
        }
    });
}

impl Handle for Desk {
    const WORKER: Worker = Worker::Card;

    async fn handle(&self, delivery: Delivery) -> Result<Outcome, BoxDynError> {
        let lease = Lease::fresh();
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
        let mut case = Case::new(self, claimed, intent, lease);
        let outcome = case.work(delivery.job).await?;
        if let Some(reply_to) = delivery.reply_to.filter(|_| !case.state().is_work()) {
            self.bell.hint(&reply_to, delivery.job.id);
        }
        Ok(outcome)
    }
}
