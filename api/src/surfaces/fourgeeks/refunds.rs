//! Refunds.

use domain::id::RefundId;
use domain::refund::Refund;
use wire::Body;
use wire::fourgeeks::request::{
    CreateRefund, RefundOfChargeBody, RefundOfPaymentBody, RequestedAmount,
};
use wire::fourgeeks::response::{self, ChargeRefund, Refunds};
use wire::limits;
use wire::page::{Page, PageParameters};
use wire::query::Parameters;

use super::first_only;
use crate::actions::payments;
use crate::actions::refunds::{self, Amount, New};
use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};
use crate::surfaces::handler::{Auth, Either, Handled, Id, Query, Reply, Sent};

const GROUP: &str = "Refunds";

/// A refund in the form of its request.
type Created = Either<response::Refund<'static>, ChargeRefund<'static>>;

pub const CREATE: Docs = docs(GROUP, "createRefund", "Refund a payment")
    .description(
        "The request has one of two forms: `payment_id` with an amount as an integer in the \
         smallest unit, or `charge_id` with an amount as a decimal string. The response has the \
         same form.",
    )
    .example(r#"{ "payment_id": "pay_0351FsBhSOBpYQOKPhbU9H", "amount": 2500 }"#)
    .refusing(&[404]);

pub async fn create(
    Auth(app, principal): Auth,
    sent: Sent<Either<RefundOfPaymentBody, RefundOfChargeBody>>,
) -> Handled<Created> {
    let (wanted, key) = sent.read(&app, CreateRefund::read).await?;
    let payment_id = wanted.payment_id.ok_or(ApiError::Missing("payment"))?;
    let new = New {
        payment: payments::find(&app, principal, payment_id).await?,
        amount: match wanted.amount {
            None => Amount::Rest,
            Some(RequestedAmount::Minor(minor)) => Amount::Minor(minor),
            Some(RequestedAmount::Major(major)) => Amount::Major(major),
        },
        reason: wanted.reason,
    };
    let charge_id = wanted.charge_id.as_deref();
    let render = |refund: &Refund| {
        Reply::<Created>::stored(match charge_id {
            Some(charge_id) => ChargeRefund::of(refund, charge_id).body(),
            None => response::Refund::of(refund).body(),
        })
    };
    first_only(refunds::create(&app, principal, new, key, render).await?)
}

pub const READ: Docs = docs(GROUP, "getRefund", "Read a refund");

pub async fn read(Auth(app, principal): Auth, Id(id): Id) -> Handled<response::Refund<'static>> {
    let id = RefundId::parse(&id).ok_or(ApiError::Missing("refund"))?;
    let refund = refunds::find(&app, principal, id).await?;
    Ok(Reply::of(response::Refund::of(&refund).body()))
}

pub const LIST: Docs = docs(GROUP, "listRefunds", "List refunds").description("Newest first.");

pub async fn list(
    Auth(app, principal): Auth,
    query: Query<PageParameters>,
) -> Handled<Refunds<'static>> {
    let page = Page::read(&Parameters::of(&query.0), RefundId::parse)?;
    let (found, _) = refunds::list(&app, principal, &page).await?;
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let refunds = Refunds {
        items: found.iter().map(response::Refund::of).collect(),
        total_items: store::refunds::count(&app.db, merchant, mode, limits::COUNT_MAX.into())
            .await?,
        limit: page.limit,
        offset: page.offset,
    };
    Ok(Reply::of(refunds.body()))
}
