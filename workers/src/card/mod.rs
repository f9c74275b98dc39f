//! The card worker: authorizes and captures payments. Every attempt is stored before it is sent, so that
//! none is lost.

mod keys;
mod risk;
mod run;
mod transition;

use std::sync::Arc;
use std::time::Duration;

use apalis_core::error::BoxDynError;
use domain::job::{Outcome, Worker};
use domain::merchant::Mode;
use queue::Publisher;
use store::jobs::Lease;
use store::payments::{self, CardPayment, Transitions};
use store::{PgPool, Role};

use self::keys::Keys;
use self::risk::Risk;
use self::run::Run;
use crate::acquirers::Acquirers;
use crate::config::Card as Config;
use crate::runtime::shares::{Party, Share};
use crate::runtime::{self, Handler, HeldLease};

/// How often the worker checks whether keys must be rotated or destroyed.
const KEYS_CHECK: Duration = Duration::from_hours(1);

/// What all runs share.
#[derive(Clone)]
struct Context {
    db: PgPool,
    transitions: Transitions,
    risk: Risk,
    publisher: Publisher,
    acquirers: Arc<Acquirers>,
    keys: Arc<Keys>,
    /// The longest an acquirer's call takes.
    acquirer_timeout: Duration,
}

pub async fn run(config: &Config) -> anyhow::Result<()> {
    let (shared, stores) = (&config.shared, &config.shared.process);
    let connections = shared.database_connections;
    let db = store::connect(Role::Card, &stores.database_url, connections)?;
    let keys = Arc::new(Keys::open(&config.keys_dir)?);
    rotate_keys(Arc::clone(&keys), db.clone());
    let publisher = Publisher::start(&stores.amqp_url, "sluice card");
    let slots = shared.slots();
    let context = Context {
        transitions: Transitions::start(&db),
        risk: Risk::start(&db),
        publisher: publisher.clone(),
        acquirers: Arc::new(Acquirers::open(&config.acquiring, &slots)?),
        keys,
        acquirer_timeout: config.acquiring.timeout(),
        db: db.clone(),
    };
    runtime::run(shared, db, publisher, context, slots).await
}

/// Rotates the sealing keys in the background. Retries every second after an error, because no card can
/// be sealed before the first key exists.
fn rotate_keys(keys: Arc<Keys>, db: PgPool) {
    tokio::spawn(async move {
        loop {
            let wait = match keys.rotate(&db).await {
                Ok(()) => KEYS_CHECK,
                Err(error) => {
                    let wait = Duration::from_secs(1);
                    tracing::warn!(%error, retry_in = ?wait, "cannot rotate the sealing keys, will retry");
                    wait
                }
            };
            tokio::time::sleep(wait).await;
        }
    });
}

impl Handler for Context {
    const WORKER: Worker = Worker::Card;
    type Owner = CardPayment;

    /// Under one claim an approval is captured at once, and a refused capture is enquired about: three calls.
    fn lease(&self) -> Duration {
        self.acquirer_timeout * 3 + runtime::LEASE_MARGIN
    }

    fn shares(&self, claimed: &CardPayment) -> (Mode, Vec<Share>) {
        let payment = &claimed.payment;
        let attempt = claimed.attempt.iter().chain(&claimed.closed).next();
        let acquirer = attempt.and_then(|attempt| self.acquirers.share(&attempt.acquirer));
        let merchant = Share::within(Party::Merchant(payment.merchant_id), 4);
        (
            payment.mode,
            acquirer.into_iter().chain([merchant]).collect(),
        )
    }

    async fn advance(&self, claimed: CardPayment, held: HeldLease) -> Result<Outcome, BoxDynError> {
        let intent = match claimed.payment.intent_id {
            Some(id) => store::intents::get(&self.db, id).await?,
            None => None,
        };
        Run::new(self, claimed, intent, held).work().await
    }

    async fn abandon(&self, lease: Lease) -> store::Result<()> {
        payments::discard_unsent(&self.db, lease.token).await
    }
}
