//! Payments and sessions.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, Request, State};
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
use wire::fourgeeks::request::{CreatePayment, ListPayments, ReadPayment};
use wire::fourgeeks::response::{
    self, Begun, Booked, Created, Exchange, PaymentRow, PublicPayment, Session, SessionCreated,
};
use wire::fourgeeks::{Shop, payment_id, session};

use super::{Handled, first_only, refuse};
use crate::App;
use crate::once::{self, Answered};
use crate::payments::{self, New};
use crate::refused::Refused;
use crate::surfaces::{Id, ok};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Handled {
    let render = |_: &Payment, begun| Answer {
        status: 202,
        body: Created::of(begun).body(),
    };
    begin(&app, caller, request, CreatePayment::read, render).await
}

pub async fn create_session(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Handled {
    let render = |payment: &Payment, begun| Answer {
        status: 201,
        body: SessionCreated::of(payment, begun).body(),
    };
    begin(&app, caller, request, CreatePayment::read_session, render).await
}

/// Begins a payment without a card, to be stated on its page.
async fn begin(
    app: &Arc<App>,
    caller: Caller,
    request: Request,
    read: fn(Value, Mode) -> Result<CreatePayment, Wrong>,
    render: fn(&Payment, Begun) -> Answer,
) -> Handled {
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
    Id(id): Id,
) -> Handled {
    let asked = ReadPayment::read(&query.unwrap_or_default())?;
    let id = payment_id(&id).filter(|_| asked.may_show(caller.mode));
    let id = id.ok_or(Refused::Missing("payment"))?;
    let payment = payments::find(&app, caller, id).await?;
    Ok(Answered::anew(ok(response::Payment::of(&payment).body())))
}

pub async fn read_public(State(app): State<Arc<App>>, Id(id): Id) -> Handled {
    let payment = find_hosted(&app, payment_id(&id), "payment").await?;
    let public = PublicPayment::of(&payment).ok_or(Refused::Internal)?;
    Ok(Answered::anew(ok(public.body())))
}

pub async fn read_session(State(app): State<Arc<App>>, Id(id): Id) -> Handled {
    let payment = find_hosted(&app, session(&id), "session").await?;
    let (shop, _) = shop(&app, payment.merchant_id).await?;
    let begun = Begun::of(&app.public_url, &payment, &shop);
    let session = begun.and_then(|begun| Session::of(&payment, begun));
    let session = session.ok_or(Refused::Internal)?;
    Ok(Answered::anew(ok(session.body())))
}

/// A payment that is stated on a page, whosever it is. `what` it is asked for as.
async fn find_hosted(
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
) -> Handled {
    let asked = ListPayments::read(&query.unwrap_or_default())?;
    if !asked.may_show(caller.mode) {
        return Ok(Answered::anew(ok(response::list(&[]))));
    }
    let filter = Filter {
        states: asked.states,
        ..Filter::default()
    };
    let (found, _) = payments::list(&app, caller, &asked.page, filter).await?;
    Ok(Answered::anew(ok(rows(&app, caller, &found).await?)))
}

/// The body of a list, with what the books and the rates say of each payment.
async fn rows(app: &App, caller: Caller, payments: &[Payment]) -> Result<String, Refused> {
    let ids: Vec<PaymentId> = payments.iter().map(|payment| payment.id).collect();
    let (merchant, mode) = (caller.merchant_id, caller.mode);
    let (shop, local) = shop(app, merchant).await?;
    let captures = ledger::captures(&app.db, merchant, mode, &ids).await?;
    let rates = rates::then(&app.db, merchant, mode, local, &ids).await?;
    let statement = shop.statement();
    let rows = payments.iter().map(|payment| {
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
    });
    Ok(response::list(&rows.collect::<Vec<_>>()))
}
