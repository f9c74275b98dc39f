//! What the books say to the merchant.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use domain::money::Currency;
use rust_decimal::Decimal;
use store::accept::Answer;
use store::ledger::{self, Filter};
use store::merchants::Caller;
use wire::finternet::error::Error;
use wire::finternet::{request, response};

use super::{ok, respond};
use crate::App;
use crate::once::Answered;
use crate::refused::Refused;

pub async fn balance(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Response {
    respond(try_balance(&app, caller).await.map(Answered::anew))
}

/// Intents are paid in dollars, and so is their account.
async fn try_balance(app: &App, caller: Caller) -> Result<Answer, Error> {
    let dollars = Currency::parse("USD").ok_or(Refused::Internal)?;
    let balances = ledger::balances(&app.db, caller.merchant_id, caller.mode).await;
    let mut balances = balances.map_err(Refused::from)?.into_iter();
    let (available, pending) = balances
        .find(|balance| balance.currency == dollars)
        .map_or((Decimal::ZERO, Decimal::ZERO), |balance| {
            (balance.available, balance.pending)
        });
    Ok(ok(response::Balance::of(dollars, available, pending).body()))
}

pub async fn ledger_entries(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    respond(try_entries(&app, caller, &query).await.map(Answered::anew))
}

async fn try_entries(app: &App, caller: Caller, query: &str) -> Result<Answer, Error> {
    let asked = request::LedgerEntries::read(query)?;
    let filter = Filter {
        kind: asked.kind,
        intent: asked.intent_id,
        offset: i64::from(asked.page.offset),
        limit: i64::from(asked.page.limit),
    };
    let entries = ledger::entries(&app.db, caller.merchant_id, caller.mode, &filter).await;
    let entries = entries.map_err(Refused::from)?.into_iter();
    let movements: Vec<_> = entries
        .map(|entry| response::Movement {
            id: entry.posting_id,
            intent_id: entry.intent_id,
            kind: entry.kind,
            amount: entry.amount,
            currency: entry.currency,
            at: entry.at,
        })
        .collect();
    Ok(ok(response::LedgerEntries::of(&movements).body()))
}
