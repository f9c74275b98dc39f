//! The refund worker: asks the acquirer to give captured money back, under the refund's own
//! reference, until it says yes or no.

use std::sync::Arc;

use anyhow::Context;
use apalis_core::error::BoxDynError;
use domain::authorization::ask_again_after;
use domain::id::RefundId;
use domain::ledger;
use domain::notice::{Kind, Notice, Subject};
use domain::refund::{Event, Refund};
use domain::work::{Job, Outcome, Worker};
use queue::{Bell, Delivery};
use store::outbox::{ATTEMPTS_MAX, FIRST_SEQ};
use store::{PgPool, refunds};
use time::OffsetDateTime;

use super::acquirer::{Acquirer, Acquirers, NoAnswer, Refunded};
use super::acquirers::sandbox::Sandbox;
use crate::config::Refund as Config;
use crate::runtime::{self, Handle};

/// What every refund needs.
#[derive(Clone)]
struct Desk {
    db: PgPool,
    bell: Bell,
    acquirers: Arc<Acquirers>,
}

pub async fn run(config: &Config) -> anyhow::Result<()> {
    let (shared, stores) = (&config.shared, &config.shared.process);
    let connections = shared.database_connections;
    let db = store::connect(&stores.database_url, "sluice refund", connections)?;
    let acquiring = &config.acquiring;
    let sandbox = Sandbox::new(&acquiring.sandbox_url, acquiring.timeout())
        .context("the sandbox acquirer's URL")?;
    let bell = Bell::start(&stores.amqp_url, "sluice refund");
    let desk = Desk {
        db: db.clone(),
        bell: bell.clone(),
        acquirers: Arc::new(Acquirers { test: sandbox }),
    };
    runtime::run(shared, db, bell, desk).await
}

impl Handle for Desk {
    const WORKER: Worker = Worker::Refund;

    async fn handle(&self, delivery: Delivery) -> Result<Outcome, BoxDynError> {
        let job = delivery.job;
        let claimed =
            refunds::claim(&self.db, RefundId(job.id), job.seq, store::fresh_id()).await?;
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
            Ok(Refunded::Done) => Event::Accepted,
            Ok(Refunded::Refused) => Event::Refused,
            Err(no_answer) => return Ok(ask_again(refund, no_answer)),
        };
        self.settle(refund, event).await?;
        if let Some(reply_to) = delivery.reply_to {
            self.bell.hint(&reply_to, job.id);
        }
        Ok(Outcome::Done)
    }
}

/// A refund may be asked for again: the acquirer honours its reference once.
fn ask_again(refund: &Refund, NoAnswer(why): NoAnswer) -> Outcome {
    tracing::warn!(refund = %refund.id, why, "the acquirer gave no answer, asking again later");
    let age = OffsetDateTime::now_utc() - refund.created_at;
    Outcome::Again {
        after: ask_again_after(age.try_into().unwrap_or_default()),
    }
}

impl Desk {
    async fn settle(&self, refund: &Refund, event: Event) -> Result<(), BoxDynError> {
        let settled = Refund {
            state: refund.state.next(event)?,
            ..refund.clone()
        };
        let (kind, posting) = match event {
            Event::Accepted => (Kind::RefundSettled, Some(ledger::refund(refund.money))),
            Event::Refused => (Kind::RefundFailed, None),
        };
        let notice = Notice {
            kind,
            subject: Subject::Refund(settled.clone()),
        };
        let told = refunds::settle(&self.db, &settled, posting.as_ref(), &notice).await?;
        for delivery in told.unwrap_or_default() {
            let job = Job {
                worker: Worker::Webhook,
                id: delivery.0,
                seq: FIRST_SEQ,
            };
            self.bell.ring(job, None);
        }
        Ok(())
    }
}
