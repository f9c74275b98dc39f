//! Creates refunds, for all surfaces: stores the refund, publishes its job, and waits for the
//! outcome.

use domain::id::{IntentId, RefundId};
use domain::job::{Job, Worker};
use domain::money::{AmountError, Money};
use domain::payment::{Payment, State};
use domain::refund::{self, Refund};
use rust_decimal::Decimal;
use store::accept::{Key, StoredResponse};
use store::jobs::FIRST_SEQ;
use store::merchants::Principal;
use store::page::Size;
use store::refunds;
use time::OffsetDateTime;
use wire::fields;
use wire::page::Page;

use crate::App;
use crate::actions::idempotency::{self, ApiResponse};
use crate::actions::{cursor, wait};
use crate::error::ApiError;

/// How much to refund.
#[derive(Debug, Clone, Copy)]
pub enum Amount {
    /// All that is left of the payment.
    Rest,
    /// In minor units of the payment's currency.
    Minor(i64),
    /// In major units of the payment's currency.
    Major(Decimal),
}

/// A refund to create, independent of any surface's format.
pub struct New {
    pub payment: Payment,
    pub amount: Amount,
    pub reason: Option<String>,
}

/// Creates a refund and returns the response once the outcome is known, or at the limit.
pub async fn create(
    app: &App,
    principal: Principal,
    new: New,
    key: Option<Key>,
    render: impl Fn(&Refund) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let key = key.as_ref();
    let creating = Box::pin(create_first(app, principal, new, key, render));
    idempotency::coalesce(app, principal, key, creating).await
}

async fn create_first(
    app: &App,
    principal: Principal,
    new: New,
    key: Option<&Key>,
    render: impl Fn(&Refund) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let id = RefundId(store::new_id());
    let mut waiter = app.replies.wait(id.0);
    let payment = new.payment;
    let mut tx = store::begin(&app.db, principal.merchant_id, principal.mode).await?;
    let before = idempotency::begin(&mut tx, principal, key, id.0).await?;
    if let Some((id, response)) = before {
        drop(tx);
        return again(app, principal, key, RefundId(id), response, render).await;
    }
    let mut refund = Refund {
        id,
        payment_id: payment.id,
        intent_id: payment.intent_id,
        merchant_id: principal.merchant_id,
        mode: principal.mode,
        state: refund::State::Refunding,
        money: money(&payment, new.amount)?,
        reason: new.reason,
        created_at: OffsetDateTime::UNIX_EPOCH,
        updated_at: OffsetDateTime::UNIX_EPOCH,
    };
    let created_at = refunds::create(&mut tx, &refund).await?;
    // `None` if a concurrent refund left less than this amount.
    refund.created_at = created_at.ok_or(ApiError::RefundTooLarge)?;
    refund.updated_at = refund.created_at;
    store::commit(tx).await?;
    let job = Job {
        worker: Worker::Refund,
        id: id.0,
        seq: FIRST_SEQ,
    };
    app.publisher
        .publish(job, principal.merchant_id, app.replies.name());
    let refund = wait::until_done(app, &mut waiter, refund).await?;
    let response = idempotency::store_first(app, principal, key, render(&refund)).await?;
    Ok(ApiResponse::new(response))
}

/// Returns the merchant's refund with this id. Refunds of intents are not found.
pub async fn find(app: &App, principal: Principal, id: RefundId) -> Result<Refund, ApiError> {
    find_of(app, principal, None, id).await
}

async fn find_of(
    app: &App,
    principal: Principal,
    intent: Option<IntentId>,
    id: RefundId,
) -> Result<Refund, ApiError> {
    let refund = refunds::get(&app.db, principal.merchant_id, principal.mode, id).await?;
    let refund = refund.filter(|refund| refund.intent_id == intent);
    refund.ok_or(ApiError::Missing("refund"))
}

/// Returns a page of the refunds of the merchant's intent, newest first, and whether there are more.
pub async fn list_of_intent(
    app: &App,
    principal: Principal,
    intent: IntentId,
    page: &Page<RefundId>,
) -> Result<(Vec<Refund>, bool), ApiError> {
    if let Some(after) = page.after {
        cursor::object(find_of(app, principal, Some(intent), after).await)?;
    }
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let size = Size::short(page.limit);
    Ok(refunds::of_intent(&app.db, merchant, mode, intent, page.after, size).await?)
}

/// Returns a page of the merchant's refunds, newest first, and whether there are more. Refunds of
/// intents are not listed.
pub async fn list(
    app: &App,
    principal: Principal,
    page: &Page<RefundId>,
) -> Result<(Vec<Refund>, bool), ApiError> {
    if let Some(after) = page.after {
        cursor::object(find(app, principal, after).await)?;
    }
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let (offset, size) = (page.offset.into(), Size::short(page.limit));
    Ok(refunds::list(&app.db, merchant, mode, page.after, offset, size).await?)
}

/// The amount to refund, if the payment has that much left.
fn money(payment: &Payment, amount: Amount) -> Result<Money, ApiError> {
    if payment.state != State::Captured {
        return Err(ApiError::NotRefundable);
    }
    let (currency, whole) = (payment.money.currency(), payment.money.amount());
    let rest = whole
        .checked_sub(payment.refunded)
        .ok_or_else(|| ApiError::internal("more is refunded than the payment's amount"))?;
    let requested = match amount {
        Amount::Rest if rest.is_zero() => return Err(ApiError::RefundTooLarge),
        Amount::Rest => Money::from_major(rest, currency),
        Amount::Minor(minor) => Money::from_minor(minor, currency),
        Amount::Major(major) => Money::from_major(major, currency),
    };
    let requested = requested.map_err(|wrong| match wrong {
        AmountError::TooLarge => ApiError::RefundTooLarge,
        AmountError::NotPositive => invalid("must be more than zero"),
        AmountError::TooFine => invalid("must be a whole number of the currency's smallest unit"),
    })?;
    if requested.amount() > rest {
        return Err(ApiError::RefundTooLarge);
    }
    Ok(requested)
}

fn invalid(why: &str) -> ApiError {
    ApiError::Field(fields::invalid("amount", why))
}

/// The response to a repeated request: the stored one, or, if the first request ended before it
/// stored one, a response from the refund's current state.
async fn again(
    app: &App,
    principal: Principal,
    key: Option<&Key>,
    id: RefundId,
    response: Option<StoredResponse>,
    render: impl Fn(&Refund) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    if let Some(response) = response {
        return Ok(ApiResponse::replay(response));
    }
    let mut waiter = app.replies.wait(id.0);
    let known = refunds::get(&app.db, principal.merchant_id, principal.mode, id).await?;
    let known =
        known.ok_or_else(|| ApiError::internal("the refund of an idempotency key is missing"))?;
    let refund = if known.state.is_in_progress() {
        wait::until_done(app, &mut waiter, known).await?
    } else {
        known
    };
    let response = idempotency::store_first(app, principal, key, render(&refund)).await?;
    Ok(ApiResponse {
        response,
        is_replay: true,
    })
}
