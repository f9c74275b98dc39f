//! Refunds.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, Request, State};
use axum::response::Response;
use domain::id::RefundId;
use domain::refund::Refund;
use domain::surface::Surface;
use store::accept::Answer;
use store::merchants::Caller;
use wire::fourgeeks::error::Error;
use wire::fourgeeks::request::{Asked, CreateRefund};
use wire::fourgeeks::response::{self, ChargeRefund, Refunds};
use wire::page::Page;
use wire::query::Parameters;

use super::{Id, answer_of, first_only, ok, refuse, text};
use crate::refunds::{self, Amount, New};
use crate::refused::Refused;
use crate::surfaces::answer;
use crate::{App, once};

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let made = try_create(&app, caller, request).await;
    answer(made.unwrap_or_else(|error| answer_of(&error)))
}

async fn try_create(app: &App, caller: Caller, request: Request) -> Result<Answer, Error> {
    let (body, key) = once::read(app, Surface::Fourgeeks, request).await?;
    let asked = CreateRefund::read(body)?;
    let new = New {
        payment_id: asked.payment_id.ok_or(Refused::Missing("payment"))?,
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
    first_only(refunds::create(app, caller, new, key, render).await?)
}

pub async fn read(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Id,
) -> Response {
    answer(match find(&app, caller, &text(id)).await {
        Ok(refund) => ok(response::Refund::of(&refund).body()),
        Err(refused) => refuse(refused),
    })
}

async fn find(app: &App, caller: Caller, id: &str) -> Result<Refund, Refused> {
    let id = RefundId::parse(id).ok_or(Refused::Missing("refund"))?;
    let refund = store::refunds::get(&app.db, caller.merchant_id, caller.mode, id).await?;
    refund.ok_or(Refused::Missing("refund"))
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
    let page = Page::read(&Parameters::of(query), RefundId::parse)?;
    let (limit, offset) = (i64::from(page.limit), i64::from(page.offset));
    let (merchant, mode) = (caller.merchant_id, caller.mode);
    let found = store::refunds::list(&app.db, merchant, mode, page.after, offset, limit).await?;
    let refunds = Refunds {
        items: found.iter().map(response::Refund::of).collect(),
        total_items: store::refunds::count(&app.db, merchant, mode).await?,
        limit: page.limit,
        offset: page.offset,
    };
    Ok(refunds.body())
}
