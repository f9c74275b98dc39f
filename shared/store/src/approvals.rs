//! What operators did, and what takes two of them: one proposes, another approves. Who that is, the
//! database takes from the login of the connection; nobody can state it.

use domain::id::MerchantId;
use serde_json::Value;
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::{Error, Result};

/// An action that waits for another operator's approval.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Its number.
    pub id: i64,
    /// What it does, such as `merchant.enable`.
    pub action: String,
    /// The merchant that it is about.
    pub merchant_id: MerchantId,
    /// The merchant's name.
    pub merchant: String,
    /// Why.
    pub reason: String,
    /// The login that proposed it.
    pub proposed_by: String,
    /// When.
    pub proposed_at: OffsetDateTime,
}

/// Why a proposal or an approval was refused.
#[derive(Debug, thiserror::Error)]
pub enum RefusedAction {
    /// The merchant does not exist or is enabled.
    #[error("there is no disabled merchant with this id")]
    NotDisabled,
    /// There is no proposal with this number.
    #[error("there is no such proposal")]
    Missing,
    /// It was approved before.
    #[error("the proposal is approved already")]
    AlreadyApproved,
    /// The proposer cannot approve.
    #[error("you proposed it: another operator must approve")]
    Own,
    /// The login names no person.
    #[error("the login sluice_operator names no person: log in as yourself")]
    SharedLogin,
    /// A week has passed, or the merchant was enabled or disabled again since.
    #[error("the proposal has expired: propose again")]
    Lapsed,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// The refusal that a violated constraint stands for.
fn refusal(error: sqlx::Error) -> RefusedAction {
    let constraint = match &error {
        sqlx::Error::Database(error) => error.constraint().unwrap_or_default(),
        _ => "",
    };
    match constraint {
        "proposals_by_a_person" | "approvals_by_a_person" => RefusedAction::SharedLogin,
        "approvals_by_another_person" => RefusedAction::Own,
        "approvals_pkey" => RefusedAction::AlreadyApproved,
        "approvals_in_time" => RefusedAction::Lapsed,
        _ => RefusedAction::Store(error.into()),
    }
}

/// Proposes to enable a disabled merchant. Returns the proposal's number.
pub async fn propose_enabling(
    db: &PgPool,
    merchant: MerchantId,
    reason: &str,
) -> std::result::Result<i64, RefusedAction> {
    let id = sqlx::query_scalar!(
        "insert into proposals (action, merchant_id, reason)
         select 'merchant.enable', id, $2 from merchants where id = $1 and disabled_at is not null
         returning id",
        merchant.0,
        reason,
    )
    .fetch_optional(db)
    .await
    .map_err(refusal)?;
    id.ok_or(RefusedAction::NotDisabled)
}

/// Approves a proposal and does what it says, in one transaction.
pub async fn approve(db: &PgPool, id: i64) -> std::result::Result<(), RefusedAction> {
    let done = sqlx::query!(
        "insert into approvals (proposal_id, proposed_by) select id, proposed_by from proposals where id = $1",
        id,
    )
    .execute(db)
    .await
    .map_err(refusal)?;
    if done.rows_affected() == 0 {
        return Err(RefusedAction::Missing);
    }
    Ok(())
}

/// The newest `most` proposals that can be approved.
pub async fn open(db: &PgPool, most: i64) -> Result<Vec<Proposal>> {
    let rows = sqlx::query!(
        "select p.id, p.action, p.merchant_id, m.name, p.reason, p.proposed_by, p.proposed_at
         from proposals p join merchants m on m.id = p.merchant_id
         where p.id not in (select proposal_id from approvals)
           and m.disabled_at <= p.proposed_at and p.proposed_at > now() - interval '7 days'
         order by p.id desc limit $1",
        most,
    )
    .fetch_all(db)
    .await?;
    let read = rows.into_iter().map(|row| Proposal {
        id: row.id,
        action: row.action,
        merchant_id: MerchantId(row.merchant_id),
        merchant: row.name,
        reason: row.reason,
        proposed_by: row.proposed_by,
        proposed_at: row.proposed_at,
    });
    Ok(read.collect())
}

/// Something that an operator did.
#[derive(Debug, Clone)]
pub struct Action {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: OffsetDateTime,
    /// The login that did it.
    pub operator: String,
    /// What happened, such as `merchant.updated`.
    pub action: String,
    /// The id of the row that it happened to, as the database stores it.
    pub subject: String,
    /// The merchant, if it belongs to one.
    pub merchant_id: Option<MerchantId>,
    /// The new values.
    pub details: Value,
}

/// The newest `most` actions, about one merchant or all.
pub async fn actions(db: &PgPool, merchant: Option<MerchantId>, most: i64) -> Result<Vec<Action>> {
    let rows = sqlx::query!(
        "select id, at, operator, action, subject, merchant_id, details from operator_actions
         where $1::uuid is null or merchant_id = $1 order by id desc limit $2",
        merchant.map(|merchant| merchant.0),
        most,
    )
    .fetch_all(db)
    .await?;
    let read = rows.into_iter().map(|row| Action {
        id: row.id,
        at: row.at,
        operator: row.operator,
        action: row.action,
        subject: row.subject,
        merchant_id: row.merchant_id.map(MerchantId),
        details: row.details,
    });
    Ok(read.collect())
}
