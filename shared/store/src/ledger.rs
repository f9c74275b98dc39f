//! A merchant's balances and movements, read from the ledger.

use std::collections::HashMap;

use domain::id::{IntentId, MerchantId, PaymentId, PostingId};
use domain::ledger::Kind;
use domain::merchant::Mode;
use domain::money::Currency;
use rust_decimal::Decimal;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
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
        r#"select currency,
                  coalesce(sum(credits - debits) filter (where account = 'merchant_balance'), 0)
                      as "available!",
                  coalesce(sum(credits - debits) filter (where account = 'merchant_hold'), 0)
                      as "pending!"
           from account_days
           where merchant_id = $1 and live = $2 and (select act_for($1, $2))
             and account in ('merchant_balance', 'merchant_hold')
           group by currency order by currency"#,
        merchant.0,
        mode.is_live(),
    )
    .fetch_all(db)
    .await?;
    let unreadable = Error::Unreadable {
        table: "account_days",
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
    pub posting_id: PostingId,
    /// The posting's kind.
    pub kind: Kind,
    /// The payment it is about.
    pub payment_id: PaymentId,
    /// The intent that the payment pays, if any.
    pub intent_id: Option<IntentId>,
    /// The change of the balance in major units; positive increases it.
    pub amount: Decimal,
    /// The gateway's fee, which the change does not include.
    pub fee: Decimal,
    /// Its currency.
    pub currency: Currency,
    /// When it was posted.
    pub at: OffsetDateTime,
}

/// Which movements to list, newest first.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only of this intent.
    pub intent: Option<IntentId>,
    /// Only posted at or after this time.
    pub from: Option<OffsetDateTime>,
    /// Only posted before this time.
    pub to: Option<OffsetDateTime>,
    /// Only those that come after this posting in the list.
    pub after: Option<PostingId>,
    /// How many to skip. A skipped row costs as much as a returned one, so limit this.
    pub offset: i64,
    /// How many to return at most.
    pub limit: i64,
}

/// Posting ids begin with the time of the process that made them; a posting's own time is the
/// database's. Their clocks differ by less than this.
pub(crate) const CLOCK_SKEW: Duration = Duration::minutes(10);

impl Filter {
    /// The ids between which all wanted postings lie, so that an index finds them.
    fn ids(&self) -> (Uuid, Uuid) {
        let from = self
            .from
            .map_or(Uuid::nil(), |from| id_at(from - CLOCK_SKEW));
        let to = self.to.map_or(Uuid::max(), |to| id_at(to + CLOCK_SKEW));
        (from, self.after.map_or(to, |after| after.0.min(to)))
    }
}

/// The lowest id made at this time.
pub(crate) fn id_at(time: OffsetDateTime) -> Uuid {
    let milliseconds = u128::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    Uuid::from_u128(milliseconds << 80)
}

struct EntryRow {
    posting_id: Uuid,
    kind: String,
    payment_id: Uuid,
    intent_id: Option<Uuid>,
    amount: Decimal,
    fee: Decimal,
    currency: String,
    at: OffsetDateTime,
}

impl EntryRow {
    fn read(self) -> Option<Entry> {
        Some(Entry {
            posting_id: PostingId(self.posting_id),
            kind: Kind::parse(&self.kind)?,
            payment_id: PaymentId(self.payment_id),
            intent_id: self.intent_id.map(IntentId),
            amount: self.amount,
            fee: self.fee,
            currency: Currency::parse_stored(&self.currency)?,
            at: self.at,
        })
    }
}

/// Selects movements from tables whose indexes find them in the list's order.
macro_rules! select_entries {
    ($db:expr, $merchant:expr, $mode:expr, $filter:expr, $from:literal, $condition:literal, $($own:expr),*) => {{
        let (first, last) = $filter.ids();
        sqlx::query_as!(
            EntryRow,
            "select l.id as posting_id, l.kind, p.id as payment_id, p.intent_id, -e.amount as \"amount!\",
                    coalesce(-f.amount, 0) as \"fee!\", l.currency, l.at "
                + $from
                + " left join ledger_entries f on f.posting_id = l.id and f.account = 'fee_revenue'
             where e.account = 'merchant_balance'
               and e.merchant_id = $1 and e.live = $2 and (select act_for($1, $2))
               and ($5::timestamptz is null or l.at >= $5)
               and ($6::timestamptz is null or l.at < $6) "
                + $condition
                + " order by l.id desc limit $7 offset $8",
            $merchant.0,
            $mode.is_live(),
            first,
            last,
            $filter.from,
            $filter.to,
            $filter.limit,
            $filter.offset,
            $($own),*
        )
        .fetch_all($db)
    }};
}

/// Movements on a merchant's balance, newest first.
pub async fn entries(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    filter: &Filter,
) -> Result<Vec<Entry>> {
    let rows = match (filter.intent, filter.kind) {
        (Some(intent), _) => of_intent(db, merchant, mode, filter, intent).await?,
        (None, Some(Kind::Refund)) => of_refunds(db, merchant, mode, filter).await?,
        (None, _) => of_merchant(db, merchant, mode, filter).await?,
    };
    let entries = rows.into_iter().map(EntryRow::read);
    entries.collect::<Option<_>>().ok_or(Error::Unreadable {
        table: "ledger_postings",
    })
}

async fn of_merchant(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    filter: &Filter,
) -> Result<Vec<EntryRow>> {
    let rows = select_entries!(
        db,
        merchant,
        mode,
        filter,
        "from ledger_entries e
         join ledger_postings l on l.id = e.posting_id
         left join refunds r on l.cause = 'refund' and r.id = l.cause_id
         -- Not `coalesce`: with row-level security, an index finds only what cannot leak.
         join payments p on p.id = case when r.id is null then l.cause_id else r.payment_id end",
        "and e.posting_id > $3 and e.posting_id < $4 and ($9::text is null or l.kind = $9)",
        filter.kind.map(Kind::name)
    );
    Ok(rows.await?)
}

/// Whether this posting changed the merchant's balance.
pub async fn has_entry(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    posting: PostingId,
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (
               select from ledger_entries
               where posting_id = $3 and account = 'merchant_balance'
                 and merchant_id = $1 and live = $2 and (select act_for($1, $2))) as "found!""#,
        merchant.0,
        mode.is_live(),
        posting.0,
    );
    Ok(found.fetch_one(db).await?)
}

/// Starts from the postings of refunds: there may be few among many captures.
async fn of_refunds(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    filter: &Filter,
) -> Result<Vec<EntryRow>> {
    let rows = select_entries!(
        db,
        merchant,
        mode,
        filter,
        "from ledger_postings l
         join ledger_entries e on e.posting_id = l.id
         join refunds r on r.id = l.cause_id
         join payments p on p.id = r.payment_id",
        "and l.kind = 'refund' and l.merchant_id = $1 and l.live = $2 and l.id > $3 and l.id < $4",
    );
    Ok(rows.await?)
}

/// Starts from the intent's payments: an intent has few, a merchant has many movements.
async fn of_intent(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    filter: &Filter,
    intent: IntentId,
) -> Result<Vec<EntryRow>> {
    let rows = select_entries!(
        db,
        merchant,
        mode,
        filter,
        "from payments p
         join lateral (
             select p.id union all select r.id from refunds r where r.payment_id = p.id) c on true
         join ledger_postings l on l.cause_id = c.id
         join ledger_entries e on e.posting_id = l.id",
        "and l.id > $3 and l.id < $4 and ($9::text is null or l.kind = $9)
         and p.intent_id = $10 and p.merchant_id = $1 and p.live = $2",
        filter.kind.map(Kind::name),
        intent.0
    );
    Ok(rows.await?)
}
