//! Creating, listing, reading and canceling intents.

use domain::id::IntentId;
use domain::intent::Intent;
use store::merchants::Principal;
use store::page::Size;
use time::OffsetDateTime;
use wire::Body;
use wire::finternet::error::{Error, NOT_CANCELABLE};
use wire::finternet::request::{self, CancelBody, CreateIntent, IntentBody, IntentsParameters};
use wire::finternet::response::{Envelope, List, PaymentIntent};

use super::{closed, find_own};
use crate::App;
use crate::actions::intents;
use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};
use crate::surfaces::handler::{Auth, Handled, Id, Optional, Query, Refusal, Reply, Sent};

const GROUP: &str = "Payment intents";

/// An intent in its envelope.
type Shown = Envelope<PaymentIntent<'static>>;

pub const CREATE: Docs = docs(GROUP, "createPaymentIntent", "Create a payment intent")
    .description("Anyone with its id can then pay it by card.")
    .example(r#"{ "amount": "100.00", "currency": "USD", "type": "DELIVERY_VS_PAYMENT" }"#)
    .refusing(&[403]);

pub async fn create(Auth(app, principal): Auth, sent: Sent<IntentBody>) -> Handled<Shown, 201> {
    let (wanted, key) = sent.read(&app, CreateIntent::read).await?;
    let intent = opened(principal, wanted);
    let render = |intent: &Intent| Reply::<Shown, 201>::stored(Envelope::of(intent).body());
    let created = intents::create(&app, principal, &intent, key, render).await?;
    Ok(created.into())
}

fn opened(principal: Principal, wanted: CreateIntent) -> Intent {
    Intent {
        id: IntentId(store::new_id()),
        merchant_id: principal.merchant_id,
        mode: principal.mode,
        money: wanted.money,
        kind: wanted.kind,
        settlement_method: wanted.settlement_method,
        settlement_destination: wanted.settlement_destination,
        description: wanted.description,
        metadata: wanted.metadata,
        terms: wanted.terms,
        paid: None,
        canceled_at: None,
        created_at: OffsetDateTime::UNIX_EPOCH,
    }
}

pub const LIST: Docs =
    docs(GROUP, "listPaymentIntents", "List payment intents").description("Newest first.");

pub async fn list(
    Auth(app, principal): Auth,
    query: Query<IntentsParameters>,
) -> Handled<List<PaymentIntent<'static>>> {
    let page = request::intents(&query.0)?;
    if let Some(after) = page.after {
        check_listed(&app, principal, after).await?;
    }
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let size = Size::short(page.limit);
    let (intents, has_more) =
        store::intents::list(&app.db, merchant, mode, page.after, size).await?;
    Ok(Reply::of(List::of(&intents, has_more).body()))
}

/// Rejects a `starting_after` that is not an intent of the caller.
async fn check_listed(app: &App, principal: Principal, after: IntentId) -> Result<(), Refusal> {
    match find_own(app, principal, &after.to_string()).await {
        Err(Refusal::Surface(error)) if [403, 404].contains(&error.status) => {
            Err(Error::invalid("starting_after", "No such payment intent").into())
        }
        found => found.map(drop),
    }
}

pub const READ: Docs = docs(GROUP, "getPaymentIntent", "Read a payment intent").refusing(&[403]);

pub async fn read(Auth(app, principal): Auth, Id(id): Id) -> Handled<Shown> {
    let intent = find_own(&app, principal, &id).await?;
    Ok(Reply::of(Envelope::of(&intent).body()))
}

pub const CANCEL: Docs = docs(GROUP, "cancelPaymentIntent", "Cancel a payment intent")
    .description("Possible only while the payment intent is neither paid nor being paid.")
    .example(r#"{ "reason": "The order was withdrawn" }"#)
    .refusing(&[403]);

pub async fn cancel(
    Auth(app, principal): Auth,
    Id(id): Id,
    sent: Sent<CancelBody, Optional>,
) -> Handled<Shown> {
    let id = find_own(&app, principal, &id).await?.id;
    let ((), key) = sent.read(&app, request::cancel).await?;
    let render = |intent: &Intent| Reply::<Shown>::stored(Envelope::of(intent).body());
    match intents::cancel(&app, principal, id, key, render).await {
        Err(ApiError::IntentClosed) => {
            Err(Error::not_now(&NOT_CANCELABLE, closed(&app, id).await?).into())
        }
        canceled => Ok(canceled?.into()),
    }
}
