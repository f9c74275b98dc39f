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
use wire::finfusion::error::Error;
use wire::finfusion::request::{CreatePayment, RefundPayment};
use wire::finfusion::response;
use wire::page::Page;
use wire::query::Parameters;
use wire::status::Status;

use super::{Handled, answer_of};
use crate::App;
use crate::actions::idempotency::{self, ApiResponse};
use crate::actions::payments::{self, New};
use crate::actions::refunds::{self, Amount};
use crate::error::ApiError;
use crate::surfaces::{Id, ok};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Handled {
    let (body, key) = idempotency::read(&app, Surface::Finfusion, request).await?;
    let asked = CreatePayment::read(body)?;
    let new = New {
        money: asked.money,
        payer: None,
        card: Some(asked.card),
        description: None,
        metadata: asked.metadata,
        intent_id: None,
        checkout: None,
    };
    Ok(payments::create(&app, principal, new, key, render_new).await?)
}

/// A payment that was just made: here a decline is an error, and the payment is there all the same.
fn render_new(payment: &Payment) -> StoredResponse {
    match Status::of_payment(payment.state) {
        Status::Failed => answer_of(&Error::payment_failed(payment)),
        Status::Pending | Status::Succeeded => render(payment),
    }
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
    let parameters = Parameters::of(&query.unwrap_or_default());
    let page = Page::read(&parameters, PaymentId::parse).map_err(Error::parameter)?;
    let (found, has_more) = payments::list(&app, principal, &page, Filter::default()).await?;
    let data = found.iter().map(response::Payment::of).collect();
    let list = response::List::of(data, has_more);
    Ok(ApiResponse::new(ok(list.body())))
}

pub async fn refund(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id,
    request: Request,
) -> Handled {
    let payment_id = id_of(&id)?;
    let (body, key) = idempotency::read_if_any(&app, Surface::Finfusion, request).await?;
    let asked = RefundPayment::read(body)?;
    if let Some(currency) = asked.currency {
        let payment = payments::find(&app, principal, payment_id).await?;
        if payment.money.currency() != currency {
            return Err(Error::currency_differs().into());
        }
    }
    let new = refunds::New {
        payment_id,
        amount: asked.minor.map_or(Amount::Rest, Amount::Minor),
        reason: asked.reason,
    };
    let is_rest = asked.minor.is_none();
    let render = |refund: &Refund| ok(response::Refund::of(refund).body());
    let made = refunds::create(&app, principal, new, key, render).await;
    Ok(made.map_err(|refused| match refused {
        // No amount was sent that could be to blame.
        ApiError::RefundTooLarge if is_rest => Error::nothing_left(),
        refused => refused.into(),
    })?)
}
