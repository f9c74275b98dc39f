//! The refund worker: asks the acquirer to give captured money back, under the refund's own
//! reference, until it says yes or no.

use std::sync::Arc;

use anyhow::Context as _;
use apalis_core::error::BoxDynError;
use domain::authorization::retry_after_age;
use domain::event::{Event, EventType, Subject};
use domain::id::RefundId;
use domain::job::{Job, Outcome, Worker};
use domain::ledger;
use domain::refund::{self, Refund};
use queue::{JobMessage, Publisher};
use store::jobs::{ATTEMPTS_MAX, FIRST_SEQ};
use store::{PgPool, refunds};
use time::OffsetDateTime;

use crate::acquirers::sandbox::Sandbox;
use crate::acquirers::{Acquirer, Acquirers, Indeterminate, Refunded};
use crate::config::Refund as Config;
use crate::runtime::{self, Handle};

/// What every refund needs.
#[derive(Clone)]
struct Context {
    db: PgPool,
    publisher: Publisher,
    acquirers: Arc<Acquirers>,
}

pub async fn run(config: &Config) -> anyhow::Result<()> {
    let (shared, stores) = (&config.shared, &config.shared.process);
    let connections = shared.database_connections;
    let db = store::connect(&stores.database_url, "sluice refund", connections)?;
    let acquiring = &config.acquiring;
    let sandbox = Sandbox::new(&acquiring.sandbox_url, acquiring.timeout())
        .context("the sandbox acquirer's URL")?;
    let publisher = Publisher::start(&stores.amqp_url, "sluice refund");
    let context = Context {
        db: db.clone(),
        publisher: publisher.clone(),
        acquirers: Arc::new(Acquirers { test: sandbox }),
    };
    runtime::run(shared, db, publisher, context).await
}

impl Handle for Context {
    const WORKER: Worker = Worker::Refund;

    async fn handle(&self, delivery: JobMessage) -> Result<Outcome, BoxDynError> {
        let job = delivery.job;
        let claimed = refunds::claim(&self.db, RefundId(job.id), job.seq, store::new_id()).await?;
        let Some(claimed) = claimed else {
            return Ok(Outcome::Done);
        };
        if claimed.claims > ATTEMPTS_MAX {
            let why = "claimed again and again without an outcome: it may end its worker";
            return Ok(Outcome::GiveUp {
                why: why.to_owned(),
            });
        }
        let refund = &claimed.refund;
        let Some(acquirer) = self.acquirers.of(refund.mode) else {
            return Ok(Outcome::GiveUp {
                why: "no acquirer takes live payments".to_owned(),
            });
        };
        let asked = acquirer.refund(refund.id, claimed.authorization, refund.money);
        let event = match asked.await {
            Ok(Refunded::Done) => refund::Event::Accepted,
            Ok(Refunded::Refused) => refund::Event::Refused,
            Err(indeterminate) => return Ok(retry_later(refund, indeterminate)),
        };
        self.record_outcome(refund, event).await?;
        if let Some(reply_to) = delivery.reply_to {
            self.publisher.reply(&reply_to, job.id);
        }
        Ok(Outcome::Done)
    }
}

/// A refund may be asked for again: the acquirer honours its reference once.
fn retry_later(refund: &Refund, Indeterminate(why): Indeterminate) -> Outcome {
    tracing::warn!(refund = %refund.id, why, "the acquirer gave no answer, asking again later");
    let age = OffsetDateTime::now_utc() - refund.created_at;
    Outcome::Again {
        after: retry_after_age(age.try_into().unwrap_or_default()),
    }
}

impl Context {
    async fn record_outcome(
        &self,
        refund: &Refund,
        event: refund::Event,
    ) -> Result<(), BoxDynError> {
        let settled = Refund {
            state: refund.state.next(event)?,
            ..refund.clone()
        };
        let (kind, posting) = match event {
            refund::Event::Accepted => {
                (EventType::RefundSettled, Some(ledger::refund(refund.money)))
            }
            refund::Event::Refused => (EventType::RefundFailed, None),
        };
        let event = Event {
            event_type: kind,
            subject: Subject::Refund(settled.clone()),
        };
        let recorded =
            refunds::record_outcome(&self.db, &settled, posting.as_ref(), &event).await?;
        for delivery in recorded.unwrap_or_default() {
            let job = Job {
                worker: Worker::Webhook,
                id: delivery.0,
                seq: FIRST_SEQ,
            };
            self.publisher.publish(job, None);
        }
        Ok(())
    }
}
