//! What the books say to the merchant.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use domain::money::Currency;
use rust_decimal::Decimal;
use store::accept::StoredResponse;
use store::ledger::{self, Filter};
use store::merchants::Principal;
use wire::finternet::error::Error;
use wire::finternet::{request, response};

use super::{ok, respond};
use crate::App;
use crate::actions::idempotency::ApiResponse;
use crate::error::ApiError;

pub async fn balance(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
) -> Response {
    respond(try_balance(&app, principal).await.map(ApiResponse::new))
}

/// Intents are paid in dollars, and so is their account.
async fn try_balance(app: &App, principal: Principal) -> Result<StoredResponse, Error> {
    let dollars = Currency::parse("USD").ok_or(ApiError::Internal)?;
    let balances = ledger::balances(&app.db, principal.merchant_id, principal.mode).await;
    let mut balances = balances.map_err(ApiError::from)?.into_iter();
    let (available, pending) = balances
        .find(|balance| balance.currency == dollars)
        .map_or((Decimal::ZERO, Decimal::ZERO), |balance| {
            (balance.available, balance.pending)
        });
    Ok(ok(response::Balance::of(dollars, available, pending).body()))
}

pub async fn ledger_entries(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    respond(
        try_entries(&app, principal, &query)
            .await
            .map(ApiResponse::new),
    )
}

async fn try_entries(
    app: &App,
    principal: Principal,
    query: &str,
) -> Result<StoredResponse, Error> {
    let asked = request::LedgerEntries::read(query)?;
    let filter = Filter {
        kind: asked.kind,
        intent: asked.intent_id,
        offset: i64::from(asked.page.offset),
        limit: i64::from(asked.page.limit),
    };
    let entries = ledger::entries(&app.db, principal.merchant_id, principal.mode, &filter).await;
    let entries = entries.map_err(ApiError::from)?.into_iter();
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
