//! The merchant's balance, and the ledger entries behind it.

use domain::money::Currency;
use store::ledger::{self, Filter};
use wire::Body;
use wire::finternet::request::{self, LedgerEntriesParameters};
use wire::finternet::response;

use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};
use crate::surfaces::handler::{Auth, Handled, Query, Reply};

const GROUP: &str = "Account";

pub const BALANCE: Docs = docs(GROUP, "getBalance", "Read your balance");

/// Reads the balance in US dollars only, because intents are charged in US dollars.
pub async fn balance(Auth(app, principal): Auth) -> Handled<response::Balance> {
    let dollars = Currency::parse("USD").ok_or_else(|| ApiError::internal("USD is no currency"))?;
    let balances = ledger::balances(&app.db, principal.merchant_id, principal.mode).await?;
    let own = balances.into_iter().find(|one| one.currency == dollars);
    let own = own.map(|balance| (balance.available, balance.pending));
    let (available, pending) = own.unwrap_or_default();
    let balance = response::Balance::of(dollars, available, pending);
    Ok(Reply::of(balance.body()))
}

pub const LEDGER_ENTRIES: Docs =
    docs(GROUP, "listLedgerEntries", "List ledger entries").description("Newest first.");

pub async fn ledger_entries(
    Auth(app, principal): Auth,
    query: Query<LedgerEntriesParameters>,
) -> Handled<response::LedgerEntries> {
    let wanted = request::LedgerEntries::read(&query.0)?;
    let filter = Filter {
        kind: wanted.kind,
        intent: wanted.intent_id,
        offset: i64::from(wanted.page.offset),
        limit: i64::from(wanted.page.limit),
    };
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let entries = ledger::entries(&app.db, merchant, mode, &filter).await?;
    let entries = entries.into_iter();
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
    Ok(Reply::of(response::LedgerEntries::of(&movements).body()))
}
