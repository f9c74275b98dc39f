//! Payments and sessions.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, Request, State};
use axum::response::Response;
use domain::id::{MerchantId, PaymentId};
use domain::merchant::Mode;
use domain::money::Currency;
use domain::payment::Payment;
use domain::surface::Surface;
use serde_json::{Map, Value};
use store::accept::Answer;
use store::merchants::Caller;
use store::payments::Filter;
use store::{ledger, merchants, rates};
use wire::fields::Wrong;
use wire::fourgeeks::error::Error;
use wire::fourgeeks::request::{CreatePayment, ListPayments, ReadPayment};
use wire::fourgeeks::response::{
    self, Begun, Booked, Created, Exchange, PaymentRow, PublicPayment, Session, SessionCreated,
};
use wire::fourgeeks::{Shop, payment_id, session};

use super::{Id, answer_of, first_only, ok, refuse, text};
use crate::payments::{self, New};
use crate::refused::Refused;
use crate::surfaces::answer;
use crate::{App, once};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let render = |_: &Payment, begun| Answer {
        status: 202,
        body: Created::of(begun).body(),
    };
    let begun = begin(&app, caller, request, CreatePayment::read, render).await;
    answer(begun.unwrap_or_else(|error| answer_of(&error)))
}

pub async fn create_session(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let render = |payment: &Payment, begun| Answer {
        status: 201,
        body: SessionCreated::of(payment, begun).body(),
    };
    let begun = begin(&app, caller, request, CreatePayment::read_session, render).await;
    answer(begun.unwrap_or_else(|error| answer_of(&error)))
}

/// Begins a payment without a card, to be stated on its page.
async fn begin(
    app: &Arc<App>,
    caller: Caller,
    request: Request,
    read: fn(Value, Mode) -> Result<CreatePayment, Wrong>,
    render: fn(&Payment, Begun) -> Answer,
) -> Result<Answer, Error> {
    let (body, key) = once::read(app, Surface::Fourgeeks, request).await?;
    let asked = read(body, caller.mode)?;
    let (shop, _) = shop(app, caller.merchant_id).await?;
    let new = New {
        money: asked.money,
        payer: None,
        card: None,
        description: asked.description,
        metadata: Map::new(),
        intent_id: None,
        checkout: Some(asked.checkout),
    };
    let render = |payment: &Payment| match Begun::of(&app.public_url, payment, &shop) {
        Some(begun) => render(payment, begun),
        None => refuse(Refused::Internal),
    };
    first_only(payments::create(app, caller, new, key, render).await?)
}

/// The merchant as payers see it, and its own currency.
async fn shop(app: &App, merchant: MerchantId) -> Result<(Shop, Currency), Refused> {
    let found = merchants::shop(&app.db, merchant).await?;
    let shop = Shop {
        name: found.name,
        email: found.email.unwrap_or_default(),
    };
    Ok((shop, found.currency))
}

pub async fn read(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
    id: Id,
) -> Response {
    let query = query.unwrap_or_default();
    answer(match find(&app, caller, &query, &text(id)).await {
        Ok(payment) => ok(response::Payment::of(&payment).body()),
        Err(refused) => refuse(refused),
    })
}

async fn find(app: &App, caller: Caller, query: &str, id: &str) -> Result<Payment, Refused> {
    let may_show = ReadPayment::read(query)?.may_show(caller.mode);
    let id = payment_id(id).filter(|_| may_show);
    payments::find(app, caller, id.ok_or(Refused::Missing("payment"))?).await
}

pub async fn read_public(State(app): State<Arc<App>>, id: Id) -> Response {
    answer(
        match find_public(&app, payment_id(&text(id)), "payment").await {
            Ok(payment) => PublicPayment::of(&payment)
                .map_or_else(|| refuse(Refused::Internal), |payment| ok(payment.body())),
            Err(refused) => refuse(refused),
        },
    )
}

pub async fn read_session(State(app): State<Arc<App>>, id: Id) -> Response {
    let found = try_read_session(&app, &text(id)).await;
    answer(found.unwrap_or_else(refuse))
}

async fn try_read_session(app: &App, id: &str) -> Result<Answer, Refused> {
    let payment = find_public(app, session(id), "session").await?;
    let (shop, _) = shop(app, payment.merchant_id).await?;
    let begun = Begun::of(&app.public_url, &payment, &shop);
    let session = begun.and_then(|begun| Session::of(&payment, begun));
    Ok(ok(session.ok_or(Refused::Internal)?.body()))
}

/// A payment that is stated on a page, whosever it is. `what` it is asked for as.
async fn find_public(
    app: &App,
    id: Option<PaymentId>,
    what: &'static str,
) -> Result<Payment, Refused> {
    let id = id.ok_or(Refused::Missing(what))?;
    let hosted = store::payments::hosted(&app.db, id).await?;
    Ok(hosted.ok_or(Refused::Missing(what))?.payment)
}

pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Response {
    let listed = try_list(&app, caller, &query.unwrap_or_default()).await;
    answer(listed.map_or_else(refuse, ok))
}

async fn try_list(app: &App, caller: Caller, query: &str) -> Result<String, Refused> {
    let asked = ListPayments::read(query)?;
    if !asked.may_show(caller.mode) {
        return Ok(response::list(&[]));
    }
    let filter = Filter {
        after: asked.page.after,
        offset: i64::from(asked.page.offset),
        limit: i64::from(asked.page.limit),
        states: asked.states,
        ..Filter::default()
    };
    let (merchant, mode) = (caller.merchant_id, caller.mode);
    let payments = store::payments::list(&app.db, merchant, mode, &filter).await?;
    let ids: Vec<PaymentId> = payments.iter().map(|payment| payment.id).collect();
    let (shop, local) = shop(app, merchant).await?;
    let captures = ledger::captures(&app.db, merchant, mode, &ids).await?;
    let rates = rates::then(&app.db, merchant, mode, local, &ids).await?;
    let statement = shop.statement();
    let rows: Vec<PaymentRow<'_>> = payments
        .iter()
        .map(|payment| {
            let booked = captures.get(&payment.id).map(|capture| Booked {
                fee: capture.fee,
                net: capture.net,
            });
            let then = rates.get(&payment.id).copied().unwrap_or_default();
            let exchange = Exchange {
                local,
                local_per_usd: then.local_per_usd,
                original_per_usd: then.original_per_usd,
            };
            PaymentRow::of(payment, booked.unwrap_or_default(), &exchange, &statement)
        })
        .collect();
    Ok(response::list(&rows))
}
