//! Creating a payment, whatever surface asked for it: seal the card, accept, ring, wait.

use std::sync::Arc;

use domain::card::Card;
use domain::id::{CustomerId, EventId, IntentId, PaymentId};
use domain::money::Money;
use domain::payment::{Checkout, Customer, Method, Payment, State};
use domain::work::{Job, Worker};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use store::accept::{self, Accept, Accepted, Answer, Key};
use store::merchants::Caller;
use store::outbox::FIRST_SEQ;
use store::payments::Filter;
use time::OffsetDateTime;
use wire::page::Page;

use crate::App;
use crate::once::{self, Answered};
use crate::refused::Refused;
use crate::wait;

/// What a merchant asks for, in no surface's words.
pub struct New {
    pub money: Money,
    pub payer: Option<Payer>,
    pub card: Option<Card>,
    pub description: Option<String>,
    pub metadata: Map<String, Value>,
    pub intent_id: Option<IntentId>,
    pub checkout: Option<Checkout>,
}

/// Who pays; one customer for each address.
pub struct Payer {
    pub email: Option<String>,
    pub name: Option<String>,
    pub phone: Option<String>,
}

/// What became of a request.
pub enum Made {
    /// A payment, at rest if it came to rest in time.
    Anew(Box<Payment>),
    /// Its idempotency key was used before, for this payment, and answered so if it was answered.
    Before {
        id: PaymentId,
        answer: Option<Answer>,
    },
}

/// Creates a payment and answers when it is at rest, or when the limit is reached.
pub async fn create(
    app: &Arc<App>,
    caller: Caller,
    new: New,
    key: Option<Key>,
    render: impl Fn(&Payment) -> Answer + Send + Sync,
) -> Result<Answered, Refused> {
    let (payment, is_replay) = match make(app, caller, new, key.as_ref()).await? {
        Made::Anew(payment) => (*payment, false),
        Made::Before {
            answer: Some(answer),
            ..
        } => {
            return Ok(Answered {
                answer,
                is_replay: true,
            });
        }
        Made::Before { id, answer: None } => (at_rest(app, caller, id).await?, true),
    };
    let answer = once::keep(app, caller, key.as_ref(), render(&payment)).await?;
    Ok(Answered { answer, is_replay })
}

/// Creates a payment and waits until it is at rest, or the limit is reached.
pub async fn make(
    app: &Arc<App>,
    caller: Caller,
    new: New,
    key: Option<&Key>,
) -> Result<Made, Refused> {
    if caller.mode.is_live() {
        return Err(Refused::LiveUnavailable);
    }
    let payment = opened(caller, &new);
    let mut waiter = app.replies.wait(payment.id.0);
    // The task goes on when the client hangs up: what was begun is finished and rung.
    let accepting = tokio::spawn(accept(Arc::clone(app), payment, new.card, key.cloned()));
    let (payment, accepted) = accepting.await.map_err(|_| Refused::Internal)??;
    match accepted {
        Accepted::Created { .. } if payment.state.is_work() => {
            let payment = wait::until_rest(app, &mut waiter, payment).await?;
            Ok(Made::Anew(Box::new(payment)))
        }
        Accepted::Created { .. } => Ok(Made::Anew(Box::new(payment))),
        Accepted::Existing { fingerprint, .. }
            if key.is_none_or(|key| key.fingerprint != fingerprint) =>
        {
            Err(Refused::IdempotencyKeyReused)
        }
        Accepted::Existing {
            payment_id, answer, ..
        } => Ok(Made::Before {
            id: payment_id,
            answer,
        }),
    }
}

/// A payment whose first request is still waiting, or died before it answered.
async fn at_rest(app: &App, caller: Caller, id: PaymentId) -> Result<Payment, Refused> {
    let mut waiter = app.replies.wait(id.0);
    let known = store::payments::get(&app.db, caller.merchant_id, caller.mode, id).await?;
    let known = known.ok_or(Refused::Internal)?;
    if known.state.is_work() {
        wait::until_rest(app, &mut waiter, known).await
    } else {
        Ok(known)
    }
}

/// A payment of the caller's that does not pay an intent.
pub async fn find(app: &App, caller: Caller, id: PaymentId) -> Result<Payment, Refused> {
    let payment = store::payments::get(&app.db, caller.merchant_id, caller.mode, id).await?;
    let payment = payment.filter(|payment| payment.intent_id.is_none());
    payment.ok_or(Refused::Missing("payment"))
}

/// A part of the caller's payments, newest first, and whether there are more; those of intents are
/// not among them.
pub async fn list(
    app: &App,
    caller: Caller,
    page: &Page<PaymentId>,
    filter: Filter,
) -> Result<(Vec<Payment>, bool), Refused> {
    let filter = Filter {
        after: page.after,
        offset: page.offset.into(),
        limit: page.rows(),
        ..filter
    };
    let found = store::payments::list(&app.db, caller.merchant_id, caller.mode, &filter);
    let mut found = found.await?;
    let has_more = page.cut(&mut found);
    Ok((found, has_more))
}

fn opened(caller: Caller, new: &New) -> Payment {
    let customer = new.payer.as_ref().map(|payer| Customer {
        id: CustomerId(store::fresh_id()),
        email: payer.email.clone(),
        name: payer.name.clone(),
        phone: payer.phone.clone(),
    });
    Payment {
        id: PaymentId(store::fresh_id()),
        merchant_id: caller.merchant_id,
        mode: caller.mode,
        state: State::opened(new.card.is_some()),
        failure: None,
        money: new.money,
        method: Method::Card,
        description: new.description.clone(),
        metadata: new.metadata.clone(),
        customer,
        card: new.card.as_ref().map(Card::masked),
        intent_id: new.intent_id,
        checkout: new.checkout.clone(),
        refunded: Decimal::ZERO,
        created_at: OffsetDateTime::UNIX_EPOCH,
        updated_at: OffsetDateTime::UNIX_EPOCH,
    }
}

/// Stores the payment and rings for it. Sealed to a key that was destroyed meanwhile, or under an
/// idempotency key whose day is over, it is stored at the second try.
async fn accept(
    app: Arc<App>,
    mut payment: Payment,
    card: Option<Card>,
    key: Option<Key>,
) -> Result<(Payment, Accepted), Refused> {
    let customer_event = EventId(store::fresh_id());
    for _ in 0..2 {
        let sealed = match &card {
            None => None,
            Some(card) => {
                let sealing = app.sealing.newest().await?;
                let sealed = sealing.seal(card, payment.merchant_id, payment.id);
                Some(sealed.map_err(|_| Refused::Internal)?)
            }
        };
        let row = Accept {
            payment: payment.clone(),
            card: sealed,
            idempotency: key.clone(),
            customer_event,
        };
        match app.accept.run(row).await {
            Err(error) if error.constraint() == Some("sealed_cards_key_exists") => {
                app.sealing.forget();
            }
            Err(error) => return Err(refused(error)),
            Ok(Accepted::Existing { stale: true, .. }) => {
                let key = key.as_ref().map_or("", |key| &key.key);
                accept::forget_stale_key(&app.db, payment.merchant_id, payment.mode, key).await?;
            }
            Ok(Accepted::Created {
                created_at,
                customer_id,
            }) => {
                payment.created_at = created_at;
                payment.updated_at = created_at;
                if let (Some(customer), Some(id)) = (&mut payment.customer, customer_id) {
                    customer.id = id;
                }
                ring(&app, &payment);
                let created = Accepted::Created {
                    created_at,
                    customer_id,
                };
                return Ok((payment, created));
            }
            Ok(existing) => return Ok((payment, existing)),
        }
    }
    Err(Refused::Unavailable)
}

fn refused(error: store::Error) -> Refused {
    match error.constraint() {
        Some("payments_one_for_an_intent" | "payments_intent_open") => Refused::IntentClosed,
        _ => error.into(),
    }
}

fn ring(app: &App, payment: &Payment) {
    if payment.state.is_work() {
        let job = Job {
            worker: Worker::Card,
            id: payment.id.0,
            seq: FIRST_SEQ,
        };
        app.bell.ring(job, app.replies.name());
    }
}
