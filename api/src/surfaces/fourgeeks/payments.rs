//! Payments and sessions.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, Request, State};
use domain::id::{MerchantId, PaymentId};
use domain::merchant::Mode;
use domain::money::Currency;
use domain::payment::Payment;
use domain::surface::Surface;
use serde_json::{Map, Value};
use store::accept::StoredResponse;
use store::merchants::Principal;
use store::payments::Filter;
use store::{ledger, merchants, rates};
use wire::fields::FieldError;
use wire::fourgeeks::request::{CreatePayment, ListPayments, ReadPayment};
use wire::fourgeeks::response::{
    self, Begun, Booked, Created, Exchange, PaymentRow, PublicPayment, Session, SessionCreated,
};
use wire::fourgeeks::{MerchantProfile, payment_id, session};

use super::{Handled, first_only, refuse};
use crate::App;
use crate::actions::idempotency::{self, ApiResponse};
use crate::actions::payments::{self, New};
use crate::error::ApiError;
use crate::surfaces::{Id, ok};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Handled {
    let render = |_: &Payment, begun| StoredResponse {
        status: 202,
        body: Created::of(begun).body(),
    };
    begin(&app, principal, request, CreatePayment::read, render).await
}

pub async fn create_session(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Handled {
    let render = |payment: &Payment, begun| StoredResponse {
        status: 201,
        body: SessionCreated::of(payment, begun).body(),
    };
    begin(
        &app,
        principal,
        request,
        CreatePayment::read_session,
        render,
    )
    .await
}

/// Begins a payment without a card, to be stated on its page.
async fn begin(
    app: &Arc<App>,
    principal: Principal,
    request: Request,
    read: fn(Value, Mode) -> Result<CreatePayment, FieldError>,
    render: fn(&Payment, Begun) -> StoredResponse,
) -> Handled {
    let (body, key) = idempotency::read(app, Surface::Fourgeeks, request).await?;
    let asked = read(body, principal.mode)?;
    let (profile, _) = profile(app, principal.merchant_id).await?;
    let new = New {
        money: asked.money,
        payer: None,
        card: None,
        description: asked.description,
        metadata: Map::new(),
        intent_id: None,
        checkout: Some(asked.checkout),
    };
    let render = |payment: &Payment| match Begun::of(&app.public_url, payment, &profile) {
        Some(begun) => render(payment, begun),
        None => refuse(ApiError::Internal),
    };
    first_only(payments::create(app, principal, new, key, render).await?)
}

/// The merchant as payers see it, and its own currency.
async fn profile(app: &App, merchant: MerchantId) -> Result<(MerchantProfile, Currency), ApiError> {
    let found = merchants::profile(&app.db, merchant).await?;
    let profile = MerchantProfile {
        name: found.name,
        email: found.email.unwrap_or_default(),
    };
    Ok((profile, found.currency))
}

pub async fn read(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RawQuery(query): RawQuery,
    Id(id): Id,
) -> Handled {
    let asked = ReadPayment::read(&query.unwrap_or_default())?;
    let id = payment_id(&id).filter(|_| asked.may_show(principal.mode));
    let id = id.ok_or(ApiError::Missing("payment"))?;
    let payment = payments::find(&app, principal, id).await?;
    Ok(ApiResponse::new(ok(response::Payment::of(&payment).body())))
}

pub async fn read_public(State(app): State<Arc<App>>, Id(id): Id) -> Handled {
    let payment = find_hosted(&app, payment_id(&id), "payment").await?;
    let public = PublicPayment::of(&payment).ok_or(ApiError::Internal)?;
    Ok(ApiResponse::new(ok(public.body())))
}

pub async fn read_session(State(app): State<Arc<App>>, Id(id): Id) -> Handled {
    let payment = find_hosted(&app, session(&id), "session").await?;
    let (profile, _) = profile(&app, payment.merchant_id).await?;
    let begun = Begun::of(&app.public_url, &payment, &profile);
    let session = begun.and_then(|begun| Session::of(&payment, begun));
    let session = session.ok_or(ApiError::Internal)?;
    Ok(ApiResponse::new(ok(session.body())))
}

/// A payment that is stated on a page, whosever it is. `what` it is asked for as.
async fn find_hosted(
    app: &App,
    id: Option<PaymentId>,
    what: &'static str,
) -> Result<Payment, ApiError> {
    let id = id.ok_or(ApiError::Missing(what))?;
    let hosted = store::payments::hosted(&app.db, id).await?;
    Ok(hosted.ok_or(ApiError::Missing(what))?.payment)
}

pub async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RawQuery(query): RawQuery,
) -> Handled {
    let asked = ListPayments::read(&query.unwrap_or_default())?;
    if !asked.may_show(principal.mode) {
        return Ok(ApiResponse::new(ok(response::list(&[]))));
    }
    let filter = Filter {
        states: asked.states,
        ..Filter::default()
    };
    let (found, _) = payments::list(&app, principal, &asked.page, filter).await?;
    Ok(ApiResponse::new(ok(rows(&app, principal, &found).await?)))
}

/// The body of a list, with what the books and the rates say of each payment.
async fn rows(app: &App, principal: Principal, payments: &[Payment]) -> Result<String, ApiError> {
    let ids: Vec<PaymentId> = payments.iter().map(|payment| payment.id).collect();
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let (profile, local) = profile(app, merchant).await?;
    let captures = ledger::captures(&app.db, merchant, mode, &ids).await?;
    let rates = rates::at(&app.db, merchant, mode, local, &ids).await?;
    let statement = profile.statement();
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
