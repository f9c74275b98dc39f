//! Creating a payment, whatever surface asked for it: seal the card, accept, ring, wait.

use std::sync::Arc;

use domain::card::Card;
use domain::id::{CustomerId, PaymentId};
use domain::money::Money;
use domain::payment::{Customer, Method, Payment, State};
use domain::work::{Job, Worker};
use serde_json::{Map, Value};
use store::accept::{self, Accept, Accepted, Answer, Key};
use store::idempotency;
use store::merchants::Caller;
use store::outbox::FIRST_SEQ;
use time::OffsetDateTime;

use crate::App;
use crate::refused::Refused;
use crate::wait;

/// What a merchant asks for, in no surface's words.
pub struct New {
    pub money: Money,
    pub payer: Option<Payer>,
    pub card: Option<Card>,
    pub description: Option<String>,
    pub metadata: Map<String, Value>,
}

/// Who pays.
pub struct Payer {
    pub email: Option<String>,
    pub name: Option<String>,
    pub phone: Option<String>,
}

/// An answer, and whether it is one given before.
pub struct Answered {
    pub answer: Answer,
    pub is_replay: bool,
}

/// Creates a payment and answers when it is at rest, or when the limit is reached.
pub async fn create(
    app: &Arc<App>,
    caller: Caller,
    new: New,
    key: Option<Key>,
    render: fn(&Payment) -> Answer,
) -> Result<Answered, Refused> {
    if caller.mode.is_live() {
        return Err(Refused::LiveUnavailable);
    }
    let payment = opened(caller, &new);
    let mut waiter = app.replies.wait(payment.id.0);
    // The task goes on when the client hangs up: what was begun is finished and rung.
    let accepting = tokio::spawn(accept(Arc::clone(app), payment, new.card, key.clone()));
    let (payment, accepted) = accepting.await.map_err(|_| Refused::Internal)??;
    match accepted {
        Accepted::Created { .. } if payment.state.is_work() => {
            let payment = wait::until_rest(app, &mut waiter, payment).await?;
            let answer = keep(app, caller, key, render(&payment)).await?;
            Ok(Answered {
                answer,
                is_replay: false,
            })
        }
        Accepted::Created { .. } => {
            let answer = keep(app, caller, key, render(&payment)).await?;
            Ok(Answered {
                answer,
                is_replay: false,
            })
        }
        Accepted::Existing { fingerprint, .. }
            if key
                .as_ref()
                .is_none_or(|key| key.fingerprint != fingerprint) =>
        {
            Err(Refused::IdempotencyKeyReused)
        }
        Accepted::Existing {
            answer: Some(answer),
            ..
        } => Ok(Answered {
            answer,
            is_replay: true,
        }),
        Accepted::Existing { payment_id, .. } => {
            let answer = answer_for(app, caller, key, payment_id, render).await?;
            Ok(Answered {
                answer,
                is_replay: true,
            })
        }
    }
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
        created_at: OffsetDateTime::UNIX_EPOCH,
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
        };
        match app.accept.run(row).await {
            Err(error) if error.constraint() == Some("sealed_cards_key_exists") => {
                app.sealing.forget();
            }
            Err(error) => return Err(error.into()),
            Ok(Accepted::Existing { stale: true, .. }) => {
                let key = key.as_ref().map_or("", |key| &key.key);
                accept::forget_stale_key(&app.db, payment.merchant_id, payment.mode, key).await?;
            }
            Ok(Accepted::Created {
                created_at,
                customer_id,
            }) => {
                payment.created_at = created_at;
                if let (Some(customer), Some(id)) = (&mut payment.customer, customer_id) {
                    customer.id = id;
                }
                if payment.state.is_work() {
                    let job = Job {
                        worker: Worker::Card,
                        id: payment.id.0,
                        seq: FIRST_SEQ,
                    };
                    app.bell.ring(job, app.replies.name());
                }
                return Ok((
                    payment,
                    Accepted::Created {
                        created_at,
                        customer_id,
                    },
                ));
            }
            Ok(existing) => return Ok((payment, existing)),
        }
    }
    Err(Refused::Unavailable)
}

/// The answer for a payment whose first request is still waiting, or died before it answered.
async fn answer_for(
    app: &App,
    caller: Caller,
    key: Option<Key>,
    id: PaymentId,
    render: fn(&Payment) -> Answer,
) -> Result<Answer, Refused> {
    let mut waiter = app.replies.wait(id.0);
    let known = store::payments::get(&app.db, caller.merchant_id, caller.mode, id).await?;
    let known = known.ok_or(Refused::Internal)?;
    let payment = if known.state.is_work() {
        wait::until_rest(app, &mut waiter, known).await?
    } else {
        known
    };
    keep(app, caller, key, render(&payment)).await
}

/// Keeps the answer for the next request with this key. One that cannot be kept is not given: the
/// client asks again under its key, and both answers are the same.
async fn keep(
    app: &App,
    caller: Caller,
    key: Option<Key>,
    answer: Answer,
) -> Result<Answer, Refused> {
    let Some(key) = key else { return Ok(answer) };
    let (merchant, mode) = (caller.merchant_id, caller.mode);
    Ok(idempotency::keep_answer(&app.db, merchant, mode, &key.key, answer).await?)
}
