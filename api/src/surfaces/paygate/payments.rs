//! Payments, the list of them, and refunds.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, Request, State};
use domain::id::PaymentId;
use domain::payment::Payment;
use domain::refund::Refund;
use domain::surface::Surface;
use store::accept::StoredResponse;
use store::merchants::Principal;
use store::payments::Filter;
use wire::paygate::request::{CreatePayment, RefundPayment, Transactions};
use wire::paygate::response;

use super::Handled;
use crate::App;
use crate::actions::idempotency::{self, ApiResponse};
use crate::actions::payments::{self, New, Payer};
use crate::actions::refunds::{self, Amount};
use crate::error::ApiError;
use crate::surfaces::{Id, ok};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Handled {
    let (body, key) = idempotency::read(&app, Surface::Paygate, request).await?;
    let asked = CreatePayment::read(body)?;
    let new = New {
        money: asked.money,
        payer: asked.customer.map(|payer| Payer {
            email: payer.email,
            name: payer.name,
            phone: payer.phone,
        }),
        card: asked.card,
        description: asked.description,
        metadata: asked.metadata,
        intent_id: None,
        checkout: None,
    };
    Ok(payments::create(&app, principal, new, key, render).await?)
}

fn render(payment: &Payment) -> StoredResponse {
    ok(response::Payment::of(payment).body())
}

pub async fn read(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id,
) -> Handled {
    let payment = payments::find(&app, principal, id_of(&id)?).await?;
    Ok(ApiResponse::new(render(&payment)))
}

fn id_of(text: &str) -> Result<PaymentId, ApiError> {
    PaymentId::parse(text).ok_or(ApiError::Missing("payment"))
}

pub async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RawQuery(query): RawQuery,
) -> Handled {
    let asked = Transactions::read(&query.unwrap_or_default())?;
    let filter = Filter {
        states: asked.states,
        from: asked.from,
        to: asked.to,
        ..Filter::default()
    };
    let (found, has_more) = payments::list(&app, principal, &asked.page, filter).await?;
    let data = found.iter().map(response::Payment::of).collect();
    let list = response::List::of(&asked.page, data, has_more);
    Ok(ApiResponse::new(ok(list.body())))
}

pub async fn refund(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id,
    request: Request,
) -> Handled {
    let payment_id = id_of(&id)?;
    let (body, key) = idempotency::read_if_any(&app, Surface::Paygate, request).await?;
    let asked = RefundPayment::read(body)?;
    let new = refunds::New {
        payment_id,
        amount: asked.minor.map_or(Amount::Rest, Amount::Minor),
        reason: asked.reason,
    };
    let render = |refund: &Refund| ok(response::Refund::of(refund).body());
    Ok(refunds::create(&app, principal, new, key, render).await?)
}
