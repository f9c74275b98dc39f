//! Refunds.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, Request, State};
use domain::id::RefundId;
use domain::refund::Refund;
use domain::surface::Surface;
use store::merchants::Principal;
use wire::fourgeeks::request::{Asked, CreateRefund};
use wire::fourgeeks::response::{self, ChargeRefund, Refunds};
use wire::page::Page;
use wire::query::Parameters;

use super::{Handled, first_only};
use crate::App;
use crate::actions::idempotency::{self, ApiResponse};
use crate::actions::refunds::{self, Amount, New};
use crate::error::ApiError;
use crate::surfaces::{Id, ok};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Handled {
    let (body, key) = idempotency::read(&app, Surface::Fourgeeks, request).await?;
    let asked = CreateRefund::read(body)?;
    let new = New {
        payment_id: asked.payment_id.ok_or(ApiError::Missing("payment"))?,
        amount: match asked.amount {
            None => Amount::Rest,
            Some(Asked::Minor(minor)) => Amount::Minor(minor),
            Some(Asked::Major(major)) => Amount::Major(major),
        },
        reason: asked.reason,
    };
    let charge_id = asked.charge_id.as_deref();
    let render = |refund: &Refund| {
        ok(match charge_id {
            Some(charge_id) => ChargeRefund::of(refund, charge_id).body(),
            None => response::Refund::of(refund).body(),
        })
    };
    first_only(refunds::create(&app, principal, new, key, render).await?)
}

pub async fn read(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Id(id): Id,
) -> Handled {
    let refund = find(&app, principal, &id).await?;
    Ok(ApiResponse::new(ok(response::Refund::of(&refund).body())))
}

async fn find(app: &App, principal: Principal, id: &str) -> Result<Refund, ApiError> {
    let id = RefundId::parse(id).ok_or(ApiError::Missing("refund"))?;
    let refund = store::refunds::get(&app.db, principal.merchant_id, principal.mode, id).await?;
    refund.ok_or(ApiError::Missing("refund"))
}

pub async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RawQuery(query): RawQuery,
) -> Handled {
    let page = Page::read(&Parameters::of(&query.unwrap_or_default()), RefundId::parse)?;
    let (found, total) = part(&app, principal, &page).await?;
    let refunds = Refunds {
        items: found.iter().map(response::Refund::of).collect(),
        total_items: total,
        limit: page.limit,
        offset: page.offset,
    };
    Ok(ApiResponse::new(ok(refunds.body())))
}

/// A part of the caller's refunds, newest first, and how many there are altogether.
async fn part(
    app: &App,
    principal: Principal,
    page: &Page<RefundId>,
) -> Result<(Vec<Refund>, u64), ApiError> {
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let (offset, limit) = (page.offset.into(), page.limit.into());
    let found = store::refunds::list(&app.db, merchant, mode, page.after, offset, limit).await?;
    let total = store::refunds::count(&app.db, merchant, mode).await?;
    Ok((found, total))
}
