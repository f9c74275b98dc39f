//! The refund worker: asks the acquirer to refund captured money until the acquirer accepts or refuses.
//! It always sends the refund's own reference, so that repeating a request refunds once.

use std::sync::Arc;
use std::time::Duration;

use apalis_core::error::BoxDynError;
use domain::authorization::retry_after_age;
use domain::event::{Event, EventType, Subject};
use domain::job::{Outcome, Worker};
use domain::ledger::{self, Cause};
use domain::merchant::Mode;
use domain::refund::{self, Refund};
use queue::Publisher;
use store::effects::Effects;
use store::jobs;
use store::refunds::{ClaimedRefund, Transition, Transitions};
use store::{PgPool, Role};
use time::OffsetDateTime;

use crate::acquirers::{Acquirers, Indeterminate, Refunded};
use crate::config::Refund as Config;
use crate::runtime::shares::{Party, Share};
use crate::runtime::{self, Handler, HeldLease};

/// What all refunds share.
#[derive(Clone)]
struct Context {
    db: PgPool,
    transitions: Transitions,
    publisher: Publisher,
    acquirers: Arc<Acquirers>,
    /// The longest an acquirer's call takes.
    acquirer_timeout: Duration,
}

pub async fn run(config: &Config) -> anyhow::Result<()> {
    let (shared, stores) = (&config.shared, &config.shared.process);
    let connections = shared.database_connections;
    let db = store::connect(Role::Refund, &stores.database_url, connections)?;
    let publisher = Publisher::start(&stores.amqp_url, "sluice refund");
    let slots = shared.slots();
    let context = Context {
        db: db.clone(),
        transitions: Transitions::start(&db),
        publisher: publisher.clone(),
        acquirers: Arc::new(Acquirers::open(&config.acquiring, &slots)?),
        acquirer_timeout: config.acquiring.timeout(),
    };
    runtime::run(shared, db, publisher, context, slots).await
}

impl Handler for Context {
    const WORKER: Worker = Worker::Refund;
    type Owner = ClaimedRefund;

    fn lease(&self) -> Duration {
        self.acquirer_timeout + runtime::LEASE_MARGIN
    }

    fn shares(&self, claimed: &ClaimedRefund) -> (Mode, Vec<Share>) {
        let acquirer = self.acquirers.share(&claimed.acquirer);
        let merchant = Share::within(Party::Merchant(claimed.refund.merchant_id), 4);
        let shares = acquirer.into_iter().chain([merchant]);
        (claimed.refund.mode, shares.collect())
    }

    async fn advance(
        &self,
        claimed: ClaimedRefund,
        held: HeldLease,
    ) -> Result<Outcome, BoxDynError> {
        let refund = &claimed.refund;
        if !refund.state.is_in_progress() {
            jobs::complete(&self.db, held.lease).await?;
            return Ok(Outcome::Done);
        }
        let Some(acquirer) = self.acquirers.get(&claimed.acquirer, refund.mode) else {
            return Ok(Outcome::Park {
                reason: format!(
                    "no acquirer {} for {} refunds",
                    claimed.acquirer,
                    refund.mode.name()
                ),
            });
        };
        if !held.covers(self.acquirer_timeout) {
            return Ok(runtime::lease_lost(&held));
        }
        let response = acquirer.refund(refund.id, claimed.authorization, refund.money);
        let event = match response.await {
            Ok(Refunded::Done) => refund::Event::Accepted,
            Ok(Refunded::Rejected) => refund::Event::Rejected,
            Err(indeterminate) => return Ok(retry_later(&claimed, indeterminate)),
        };
        let next = Refund {
            state: refund.state.next(event)?,
            ..refund.clone()
        };
        let transition = Transition {
            refund_id: refund.id,
            from: refund.state,
            to: next.state,
            effects: effects(&next, event).complete(held.lease),
        };
        match self.transitions.run(transition).await? {
            Some(jobs) => {
                for job in jobs {
                    self.publisher.publish(job, refund.merchant_id, None);
                }
                Ok(Outcome::Done)
            }
            // Another worker moved it first, but this one has the lease: read the row again.
            None => Ok(Outcome::Reschedule {
                after: Duration::ZERO,
            }),
        }
    }
}

/// Retrying is safe: the acquirer processes a reference once.
fn retry_later(claimed: &ClaimedRefund, Indeterminate(reason): Indeterminate) -> Outcome {
    let Refund {
        id,
        payment_id: payment,
        created_at,
        ..
    } = &claimed.refund;
    let age = Duration::try_from(OffsetDateTime::now_utc() - *created_at).unwrap_or_default();
    let after = retry_after_age(age);
    let (acquirer, authorization) = (&claimed.acquirer, &claimed.authorization);
    let age_s = age.as_secs();
    tracing::warn!(refund = %id, %payment, %authorization, acquirer, age_s, reason, retry_in = ?after, "no clear response from the acquirer, will retry");
    Outcome::Reschedule { after }
}

fn effects(refund: &Refund, event: refund::Event) -> Effects {
    let effects = Effects::new(refund.merchant_id, refund.mode);
    let (effects, event_type) = match event {
        refund::Event::Accepted => {
            let currency = refund.money.currency().code();
            let posting = ledger::refund(refund.money);
            let effects = effects.posting(Cause::Refund(refund.id), currency, posting);
            (effects, EventType::RefundSucceeded)
        }
        refund::Event::Rejected => (effects, EventType::RefundFailed),
    };
    // Payments of intents exist on one surface only, which has no event of refunds.
    if refund.intent_id.is_some() {
        return effects;
    }
    effects.event(&Event {
        event_type,
        subject: Subject::Refund(refund.clone()),
    })
}
