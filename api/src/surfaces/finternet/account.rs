//! The merchant's balance, and the ledger entries behind it.

use store::ledger::{self, Filter};
use store::merchants;
use wire::Body;
use wire::finternet::request::{self, LedgerEntriesParameters};
use wire::finternet::response;
use wire::page;

use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};
use crate::surfaces::handler::{Auth, Handled, Query, Reply};

const GROUP: &str = "Account";

pub const BALANCE: Docs = docs(GROUP, "getBalance", "Read your balance");

pub async fn balance(Auth(app, principal): Auth) -> Handled<response::Balance> {
    let profile = merchants::profile(&app.db, principal.merchant_id).await?;
    let balances = ledger::balances(&app.db, principal.merchant_id, principal.mode).await?;
    let balances = balances.into_iter();
    let balances: Vec<_> = balances
        .map(|one| (one.currency, one.available, one.pending))
        .collect();
    Ok(Reply::of(
        response::Balance::of(profile.currency, &balances).body(),
    ))
}

pub const LEDGER_ENTRIES: Docs =
    docs(GROUP, "listLedgerEntries", "List ledger entries").description("Newest first.");

pub async fn ledger_entries(
    Auth(app, principal): Auth,
    query: Query<LedgerEntriesParameters>,
) -> Handled<response::LedgerEntries> {
    let wanted = request::LedgerEntries::read(&query.0)?;
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    if let Some(after) = wanted.page.after
        && !ledger::has_entry(&app.db, merchant, mode, after).await?
    {
        return Err(ApiError::Parameter(page::not_listed()).into());
    }
    let filter = Filter {
        kind: wanted.kind,
        intent: wanted.intent_id,
        from: wanted.from,
        to: wanted.to,
        after: wanted.page.after,
        offset: i64::from(wanted.page.offset),
        limit: i64::from(wanted.page.limit) + 1,
    };
    let entries = ledger::entries(&app.db, merchant, mode, &filter).await?;
    let entries = entries.into_iter();
    let mut movements: Vec<_> = entries
        .map(|entry| response::Movement {
            id: entry.posting_id,
            payment_id: entry.payment_id,
            intent_id: entry.intent_id,
            kind: entry.kind,
            amount: entry.amount,
            fee: entry.fee,
            currency: entry.currency,
            at: entry.at,
        })
        .collect();
    let size = usize::try_from(wanted.page.limit).unwrap_or(usize::MAX);
    let has_more = movements.len() > size;
    movements.truncate(size);
    Ok(Reply::of(
        response::LedgerEntries::of(&movements, has_more).body(),
    ))
}
