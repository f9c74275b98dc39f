//! What an acquirer's log must show, by ranges of payments.

use std::collections::{HashMap, HashSet};

use domain::id::{AuthorizationId, PaymentId, RefundId};
use domain::payment::State;
use domain::{authorization, refund};
use sqlx::PgPool;
use uuid::Uuid;

use super::facts::names;
use crate::{Error, Result};

/// How many payments one statement reads.
const PAGE: i64 = 5_000;

/// The payments with ids after `after`, up to `upto`.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    after: Uuid,
    upto: Uuid,
}

impl Range {
    /// The first `payments`.
    pub async fn first(db: &PgPool, payments: i64) -> Result<Self> {
        Self::following(db, Uuid::nil(), payments).await
    }

    /// The next `payments`; `None` after the last range, which includes every id that may follow.
    pub async fn next(self, db: &PgPool, payments: i64) -> Result<Option<Self>> {
        if self.upto == Uuid::max() {
            return Ok(None);
        }
        Self::following(db, self.upto, payments).await.map(Some)
    }

    async fn following(db: &PgPool, after: Uuid, payments: i64) -> Result<Self> {
        let last = sqlx::query_scalar!(
            "select id from payments where id > $1 order by id offset $2 limit 1",
            after,
            payments,
        )
        .fetch_optional(db)
        .await?;
        let upto = last.unwrap_or(Uuid::max());
        Ok(Self { after, upto })
    }

    /// Whether it includes this payment, which need not exist.
    pub fn contains(self, payment: PaymentId) -> bool {
        self.after < payment.0 && payment.0 <= self.upto
    }

    /// Its parts that one statement reads.
    async fn pages(self, db: &PgPool) -> Result<Vec<Self>> {
        let mut pages = Vec::new();
        let mut after = self.after;
        while after < self.upto {
            let page = Self::following(db, after, PAGE).await?;
            let upto = page.upto.min(self.upto);
            pages.push(Self { after, upto });
            after = upto;
        }
        Ok(pages)
    }
}

/// What an acquirer's log must show of a payment.
#[derive(Debug, Clone)]
pub struct Charge {
    /// The payment's state.
    pub state: State,
    /// Its version, which every change increments.
    pub version: i32,
    /// Whether it or one of its attempts is in progress.
    pub is_in_progress: bool,
    /// Its amount, with the currency's decimals.
    pub amount: String,
    /// Its currency.
    pub currency: String,
    /// The last digits of its card.
    pub card_last4: Option<String>,
    /// Its attempts.
    pub attempts: Vec<AuthorizationId>,
    /// The attempt that holds the money.
    pub approved: Option<AuthorizationId>,
}

/// The payments of a range that were sent to an acquirer in test mode.
pub async fn charges(db: &PgPool, range: Range) -> Result<HashMap<PaymentId, Charge>> {
    // A watched attempt is reversed at the acquirer already.
    let is_work = |state: &authorization::State| {
        state.is_in_progress() && *state != authorization::State::Watching
    };
    let work = names(
        &authorization::State::ALL,
        is_work,
        authorization::State::name,
    );
    let mut charges = HashMap::new();
    for page in range.pages(db).await? {
        let rows = sqlx::query!(
            r#"select p.id, p.state, p.version, round(p.amount, p.exponent::integer)::text as "amount!",
                      p.currency, p.card_last4, array_agg(a.id) as "attempts!: Vec<Uuid>",
                      (array_agg(a.id) filter (where a.state = $1))[1] as approved,
                      bool_or(a.state = any($2)) as "is_work!"
               from payments p join authorizations a on a.payment_id = p.id
               where not p.live and p.id > $3 and p.id <= $4 group by p.id"#,
            authorization::State::Approved.name(),
            &work,
            page.after,
            page.upto,
        )
        .fetch_all(db)
        .await?;
        for row in rows {
            let state = State::parse(&row.state).ok_or(Error::Unreadable { table: "payments" })?;
            let charge = Charge {
                state,
                version: row.version,
                is_in_progress: row.is_work || state.is_in_progress(),
                amount: row.amount,
                currency: row.currency,
                card_last4: row.card_last4,
                attempts: row.attempts.into_iter().map(AuthorizationId).collect(),
                approved: row.approved.map(AuthorizationId),
            };
            charges.insert(PaymentId(row.id), charge);
        }
    }
    Ok(charges)
}

/// What an acquirer's log must show of a refund.
#[derive(Debug, Clone)]
pub struct Refund {
    /// The refunded payment.
    pub payment_id: PaymentId,
    /// The refund's state.
    pub state: refund::State,
    /// Its amount, with the currency's decimals.
    pub amount: String,
    /// Its currency.
    pub currency: String,
}

/// The refunds of a range's payments in test mode.
pub async fn refunds(db: &PgPool, range: Range) -> Result<HashMap<RefundId, Refund>> {
    let mut refunds = HashMap::new();
    for page in range.pages(db).await? {
        let rows = sqlx::query!(
            r#"select r.id, r.payment_id, r.state, p.currency,
                      round(r.amount, p.exponent::integer)::text as "amount!"
               from refunds r join payments p on p.id = r.payment_id
               where not r.live and r.payment_id > $1 and r.payment_id <= $2"#,
            page.after,
            page.upto,
        )
        .fetch_all(db)
        .await?;
        for row in rows {
            let state = refund::State::parse(&row.state);
            let refund = Refund {
                payment_id: PaymentId(row.payment_id),
                state: state.ok_or(Error::Unreadable { table: "refunds" })?,
                amount: row.amount,
                currency: row.currency,
            };
            refunds.insert(RefundId(row.id), refund);
        }
    }
    Ok(refunds)
}

/// Those of these attempts that exist.
pub async fn known_attempts(
    db: &PgPool,
    attempts: &[AuthorizationId],
) -> Result<HashSet<AuthorizationId>> {
    let ids: Vec<Uuid> = attempts.iter().map(|attempt| attempt.0).collect();
    let known = sqlx::query_scalar!("select id from authorizations where id = any($1)", &ids)
        .fetch_all(db)
        .await?;
    Ok(known.into_iter().map(AuthorizationId).collect())
}
