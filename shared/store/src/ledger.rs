//! A merchant's balances and movements, read from the ledger.

use std::collections::HashMap;

use domain::id::{IntentId, MerchantId, PaymentId};
use domain::ledger::Kind;
use domain::merchant::Mode;
use domain::money::Currency;
use rust_decimal::Decimal;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Error, Result};

/// A merchant's balance in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// The currency.
    pub currency: Currency,
    /// Captured, less fees and refunds.
    pub available: Decimal,
    /// Authorized and not captured yet.
    pub pending: Decimal,
}

/// A merchant's balances, one for each currency it has postings in.
pub async fn balances(db: &PgPool, merchant: MerchantId, mode: Mode) -> Result<Vec<Balance>> {
    let rows = sqlx::query!(
        r#"select l.currency,
                  coalesce(-sum(e.amount) filter (where e.account = 'merchant_balance'), 0) as "available!",
                  coalesce(-sum(e.amount) filter (where e.account = 'merchant_hold'), 0) as "pending!"
           from ledger_entries e join ledger_postings l on l.id = e.posting_id
           where e.merchant_id = $1 and e.live = $2 and (select act_for($1, $2))
             and e.account in ('merchant_balance', 'merchant_hold')
           group by l.currency order by l.currency"#,
        merchant.0,
        mode.is_live(),
    )
    .fetch_all(db)
    .await?;
    let unreadable = Error::Unreadable {
        table: "ledger_postings",
    };
    let balances = rows.into_iter().map(|row| {
        Some(Balance {
            currency: Currency::parse_stored(&row.currency)?,
            available: row.available,
            pending: row.pending,
        })
    });
    balances.collect::<Option<_>>().ok_or(unreadable)
}

/// A captured payment's posting, in major units of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capture {
    /// The gateway's fee.
    pub fee: Decimal,
    /// The amount less the fee.
    pub net: Decimal,
}

/// The captures of these payments of a merchant. Payments that are not captured are left out.
pub async fn captures(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    payments: &[PaymentId],
) -> Result<HashMap<PaymentId, Capture>> {
    let ids: Vec<Uuid> = payments.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select l.cause_id as payment_id,
                  coalesce(-sum(e.amount) filter (where e.account = 'fee_revenue'), 0) as "fee!",
                  coalesce(-sum(e.amount) filter (where e.account = 'merchant_balance'), 0) as "net!"
           from ledger_postings l join ledger_entries e on e.posting_id = l.id
           where l.cause_id = any($1) and l.cause = 'payment' and l.kind = 'capture'
             and e.merchant_id = $2 and e.live = $3 and (select act_for($2, $3))
           group by l.cause_id"#,
        &ids,
        merchant.0,
        mode.is_live(),
    )
    .fetch_all(db)
    .await?;
    let captures = rows.into_iter().map(|row| {
        let (fee, net) = (row.fee, row.net);
        (PaymentId(row.payment_id), Capture { fee, net })
    });
    Ok(captures.collect())
}

/// A movement on a merchant's balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its posting.
    pub posting_id: Uuid,
    /// The posting's kind.
    pub kind: Kind,
    /// The payment it is about.
    pub payment_id: PaymentId,
    /// The intent that the payment pays, if any.
    pub intent_id: Option<IntentId>,
    /// The change of the balance in major units; positive increases it.
    pub amount: Decimal,
    /// Its currency.
    pub currency: Currency,
    /// When it was posted.
    pub at: OffsetDateTime,
}

/// Which movements to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only of this intent.
    pub intent: Option<IntentId>,
    /// How many to skip. A skipped row costs as much as a returned one, so limit this.
    pub offset: i64,
    /// How many to return at most.
    pub limit: i64,
}

struct EntryRow {
    posting_id: Uuid,
    kind: String,
    payment_id: Uuid,
    intent_id: Option<Uuid>,
    amount: Decimal,
    currency: String,
    at: OffsetDateTime,
}

impl EntryRow {
    fn read(self) -> Option<Entry> {
        Some(Entry {
            posting_id: self.posting_id,
            kind: Kind::parse(&self.kind)?,
            payment_id: PaymentId(self.payment_id),
            intent_id: self.intent_id.map(IntentId),
            amount: self.amount,
            currency: Currency::parse_stored(&self.currency)?,
            at: self.at,
        })
    }
}

/// Movements on a merchant's balance, newest first.
pub async fn entries(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    filter: &Filter,
) -> Result<Vec<Entry>> {
    let rows = match filter.intent {
        Some(intent) => entries_of(db, merchant, mode, filter, intent).await?,
        None => all_entries(db, merchant, mode, filter).await?,
    };
    let entries = rows.into_iter().map(EntryRow::read);
    entries.collect::<Option<_>>().ok_or(Error::Unreadable {
        table: "ledger_postings",
    })
}

async fn all_entries(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    filter: &Filter,
) -> Result<Vec<EntryRow>> {
    let rows = sqlx::query_as!(
        EntryRow,
        r#"select e.posting_id, l.kind, p.id as payment_id, p.intent_id, -e.amount as "amount!",
                  l.currency, l.at
           from ledger_entries e
           join ledger_postings l on l.id = e.posting_id
           left join refunds r on l.cause = 'refund' and r.id = l.cause_id
           join payments p on p.id = coalesce(r.payment_id, l.cause_id)
           where e.merchant_id = $1 and e.live = $2 and (select act_for($1, $2))
             and e.account = 'merchant_balance'
             and ($3::text is null or l.kind = $3)
           order by e.posting_id desc
           limit $4 offset $5"#,
        merchant.0,
        mode.is_live(),
        filter.kind.map(Kind::name),
        filter.limit,
        filter.offset,
    );
    Ok(rows.fetch_all(db).await?)
}

/// Starts from the intent's payments: an intent has few, a merchant has many movements.
async fn entries_of(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    filter: &Filter,
    intent: IntentId,
) -> Result<Vec<EntryRow>> {
    let rows = sqlx::query_as!(
        EntryRow,
        r#"select e.posting_id, l.kind, p.id as payment_id, p.intent_id, -e.amount as "amount!",
                  l.currency, l.at
           from payments p
           join lateral (
               select p.id union all select r.id from refunds r where r.payment_id = p.id) c on true
           join ledger_postings l on l.cause_id = c.id
           join ledger_entries e on e.posting_id = l.id
           where p.intent_id = $6 and p.merchant_id = $1 and p.live = $2
             and (select act_for($1, $2)) and e.account = 'merchant_balance'
             and ($3::text is null or l.kind = $3)
           order by e.posting_id desc
           limit $4 offset $5"#,
        merchant.0,
        mode.is_live(),
        filter.kind.map(Kind::name),
        filter.limit,
        filter.offset,
        intent.0,
    );
    Ok(rows.fetch_all(db).await?)
}
