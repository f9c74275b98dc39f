//! Creates payments, for all surfaces: seals the card, stores the payment, publishes its job, and
//! waits for the outcome.

use std::sync::Arc;

use domain::card::Card;
use domain::id::{CustomerId, IntentId, PaymentId};
use domain::job::{Job, Worker};
use domain::money::Money;
use domain::payment::{Checkout, Customer, Method, Payment, State};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use store::accept::{Accept, Accepted, Key, StoredResponse};
use store::jobs::FIRST_SEQ;
use store::merchants::Principal;
use store::page::Size;
use store::payments::Filter;
use time::OffsetDateTime;
use tracing::Instrument;
use wire::page::Page;

use crate::App;
use crate::actions::idempotency::{self, ApiResponse};
use crate::actions::{cursor, customers, wait};
use crate::error::ApiError;

/// A payment to create, independent of any surface's format.
pub struct New {
    pub money: Money,
    pub payer: Option<Payer>,
    pub card: Option<Card>,
    pub description: Option<String>,
    pub metadata: Map<String, Value>,
    pub intent_id: Option<IntentId>,
    pub checkout: Option<Checkout>,
}

/// The payer. A merchant has one customer per email address.
pub struct Payer {
    pub email: Option<String>,
    pub name: Option<String>,
    pub phone: Option<String>,
}

/// The outcome of a request to create a payment.
enum Created {
    /// A new payment, still in progress if the limit was reached first.
    New(Box<Payment>),
    /// An earlier request with the same idempotency key created this payment; `response` is its
    /// response, if one is stored.
    Existing {
        id: PaymentId,
        response: Option<StoredResponse>,
    },
}

/// Creates a payment and returns the response once the payment is no longer in progress, or at the
/// limit.
pub async fn create(
    app: &Arc<App>,
    principal: Principal,
    new: New,
    key: Option<Key>,
    render: impl Fn(&Payment) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let key = key.as_ref();
    let creating = create_first(app, principal, new, key, render);
    idempotency::coalesce(app, principal, key, creating).await
}

async fn create_first(
    app: &Arc<App>,
    principal: Principal,
    new: New,
    key: Option<&Key>,
    render: impl Fn(&Payment) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let (payment, is_replay) = match make(app, principal, new, key).await? {
        Created::New(payment) => (*payment, false),
        Created::Existing {
            response: Some(response),
            ..
        } => return Ok(ApiResponse::replay(response)),
        Created::Existing { id, response: None } => (wait_for(app, principal, id).await?, true),
    };
    let response = idempotency::store_first(app, principal, key, render(&payment)).await?;
    Ok(ApiResponse {
        response,
        is_replay,
    })
}

/// Creates a payment and waits until it is no longer in progress, or until the limit.
async fn make(
    app: &Arc<App>,
    principal: Principal,
    new: New,
    key: Option<&Key>,
) -> Result<Created, ApiError> {
    if principal.mode.is_live() {
        return Err(ApiError::LiveUnavailable);
    }
    let payment = opened(principal, &new);
    let mut waiter = app.replies.wait(payment.id.0);
    // A task of its own, so that the job of a stored payment is published even if the client
    // disconnects.
    let accepting = tokio::spawn(
        accept(Arc::clone(app), principal, payment, new.card, key.cloned()).in_current_span(),
    );
    let (payment, accepted) = accepting
        .await
        .map_err(|error| ApiError::internal(&format!("accepting a payment: {error}")))??;
    match accepted {
        Accepted::Created { .. } if payment.state.is_in_progress() => {
            let payment = wait::until_done(app, &mut waiter, payment).await?;
            Ok(Created::New(Box::new(payment)))
        }
        Accepted::Created { .. } => Ok(Created::New(Box::new(payment))),
        Accepted::Existing(existing) => {
            let (id, response) = idempotency::earlier(key, existing)?;
            let id = PaymentId(id);
            Ok(Created::Existing { id, response })
        }
    }
}

/// Waits for a payment whose first request is still waiting, or ended before it stored a response.
async fn wait_for(app: &App, principal: Principal, id: PaymentId) -> Result<Payment, ApiError> {
    let mut waiter = app.replies.wait(id.0);
    let known = store::payments::get(&app.db, principal.merchant_id, principal.mode, id).await?;
    let known =
        known.ok_or_else(|| ApiError::internal("the payment of an idempotency key is missing"))?;
    if known.state.is_in_progress() {
        wait::until_done(app, &mut waiter, known).await
    } else {
        Ok(known)
    }
}

/// Returns the merchant's payment with this id. Payments of intents are not found.
pub async fn find(app: &App, principal: Principal, id: PaymentId) -> Result<Payment, ApiError> {
    let payment = store::payments::get(&app.db, principal.merchant_id, principal.mode, id).await?;
    let payment = payment.filter(|payment| payment.intent_id.is_none());
    payment.ok_or(ApiError::Missing("payment"))
}

/// Returns a page of the merchant's payments, newest first, and whether there are more. Payments of
/// intents are not listed.
pub async fn list(
    app: &App,
    principal: Principal,
    page: &Page<PaymentId>,
    filter: Filter,
    size: Size,
) -> Result<(Vec<Payment>, bool), ApiError> {
    let filter = Filter {
        after: page.after,
        offset: page.offset.into(),
        ..filter
    };
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let (found, has_more) = store::payments::list(&app.db, merchant, mode, &filter, size).await?;
    if let (Some(after), true) = (page.after, found.is_empty()) {
        cursor::object(find(app, principal, after).await)?;
    }
    Ok((found, has_more))
}

fn opened(principal: Principal, new: &New) -> Payment {
    let customer = new.payer.as_ref().map(|payer| Customer {
        id: CustomerId(store::new_id()),
        email: payer.email.clone(),
        name: payer.name.clone(),
        phone: payer.phone.clone(),
    });
    // Anyone with the id of a hosted payment can read it.
    let id = match new.checkout {
        Some(_) => store::unguessable_id(),
        None => store::new_id(),
    };
    Payment {
        id: PaymentId(id),
        merchant_id: principal.merchant_id,
        mode: principal.mode,
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

/// Stores the payment and publishes its job. Tries twice: the first try fails if the sealing key
/// has been destroyed since it was cached, or if the idempotency key is older than 24 hours and
/// must be deleted first.
async fn accept(
    app: Arc<App>,
    principal: Principal,
    mut payment: Payment,
    card: Option<Card>,
    key: Option<Key>,
) -> Result<(Payment, Accepted), ApiError> {
    for _ in 0..2 {
        let sealed = match &card {
            None => None,
            Some(card) => {
                let sealing = app.sealing.newest().await?;
                let sealed = sealing.seal(card, payment.merchant_id, payment.id);
                Some(sealed.map_err(|_| ApiError::internal("a card cannot be sealed"))?)
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
            Err(error) => return Err(api_error(error)),
            Ok(Accepted::Existing(existing)) if existing.stale => {
                idempotency::delete_expired(&app, principal, key.as_ref()).await?;
            }
            Ok(Accepted::Created {
                created_at,
                customer_id,
                jobs,
            }) => {
                payment.created_at = created_at;
                payment.updated_at = created_at;
                if let (Some(customer), Some(id)) = (&mut payment.customer, customer_id) {
                    customer.id = id;
                }
                publish(&app, &payment);
                customers::publish(&app, payment.merchant_id, jobs);
                let created = Accepted::Created {
                    created_at,
                    customer_id,
                    jobs: Vec::new(),
                };
                return Ok((payment, created));
            }
            Ok(existing) => return Ok((payment, existing)),
        }
    }
    Err(ApiError::Unavailable)
}

fn api_error(error: store::Error) -> ApiError {
    match error.constraint() {
        Some("payments_one_for_an_intent" | "payments_intent_open") => ApiError::IntentClosed,
        Some("payments_intent_cards") => ApiError::TooManyCards,
        _ => error.into(),
    }
}

fn publish(app: &App, payment: &Payment) {
    if payment.state.is_in_progress() {
        let job = Job {
            worker: Worker::Card,
            id: payment.id.0,
            seq: FIRST_SEQ,
        };
        app.publisher
            .publish(job, payment.merchant_id, app.replies.name());
    }
}
