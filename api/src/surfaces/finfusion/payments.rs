//! Payments, the list of them, and refunds.

use domain::id::PaymentId;
use domain::payment::Payment;
use domain::refund::Refund;
use store::accept::StoredResponse;
use store::page::Size;
use store::payments::Filter;
use wire::Body;
use wire::error::SurfaceError;
use wire::finfusion::error::{CURRENCY_DIFFERS, Error, NOTHING_LEFT};
use wire::finfusion::request::{CreatePayment, CreatePaymentBody, RefundBody, RefundPayment};
use wire::finfusion::response;
use wire::page::{Page, PageParameters};
use wire::query::Parameters;
use wire::status::Status;

use crate::actions::payments::{self, New};
use crate::actions::refunds::{self, Amount};
use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};
use crate::surfaces::handler::{Auth, Handled, Id, Optional, Query, Refusal, Reply, Sent, of};

const GROUP: &str = "Payments";

pub const CREATE: Docs = docs(GROUP, "createPayment", "Create a payment")
    .description(
        "Charges the card and waits up to 8 seconds for the outcome. After that, the status is \
         `pending` and the payment continues. A decline is an error with status 402; the declined \
         payment can still be read.",
    )
    .example(
        r#"{
            "amount": { "value": 1000, "currency": "USD" },
            "payment_method": { "type": "card", "card": {
                "number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"
            } },
            "metadata": { "order_id": "order_123" }
        }"#,
    )
    .refusing(&[402]);

pub async fn create(
    Auth(app, principal): Auth,
    sent: Sent<CreatePaymentBody>,
) -> Handled<response::Payment<'static>> {
    let (wanted, key) = sent.read(&app, CreatePayment::read).await?;
    let new = New {
        money: wanted.money,
        payer: None,
        card: Some(wanted.card),
        description: None,
        metadata: wanted.metadata,
        intent_id: None,
        checkout: None,
    };
    let created = payments::create(&app, principal, new, key, render).await?;
    Ok(created.into())
}

/// Renders a new payment. On this surface a decline is an error, although the payment is stored.
fn render(payment: &Payment) -> StoredResponse {
    match Status::of_payment(payment.state) {
        Status::Failed => of(&Error::payment_failed(payment)),
        Status::Pending | Status::Succeeded => {
            Reply::<response::Payment>::stored(response::Payment::of(payment).body())
        }
    }
}

pub const READ: Docs = docs(GROUP, "getPayment", "Read a payment");

pub async fn read(Auth(app, principal): Auth, Id(id): Id) -> Handled<response::Payment<'static>> {
    let payment = payments::find(&app, principal, parse(&id)?).await?;
    Ok(Reply::of(response::Payment::of(&payment).body()))
}

fn parse(id: &str) -> Result<PaymentId, ApiError> {
    PaymentId::parse(id).ok_or(ApiError::Missing("payment"))
}

pub const LIST: Docs = docs(GROUP, "listPayments", "List payments").description("Newest first.");

pub async fn list(
    Auth(app, principal): Auth,
    query: Query<PageParameters>,
) -> Handled<response::List<response::Payment<'static>>> {
    let page = Page::read(&Parameters::of(&query.0), PaymentId::parse);
    let page = page.map_err(ApiError::Parameter)?;
    let size = Size::short(page.limit);
    let (found, has_more) = payments::list(&app, principal, &page, Filter::default(), size).await?;
    let data = found.iter().map(response::Payment::of).collect();
    Ok(Reply::of(response::List::of(data, has_more).body()))
}

pub const REFUND: Docs = docs(GROUP, "refundPayment", "Refund a payment")
    .description("Refunds the remaining amount of the payment, or the amount in the request.")
    .example(r#"{ "reason": "customer_request" }"#);

pub async fn refund(
    Auth(app, principal): Auth,
    Id(id): Id,
    sent: Sent<RefundBody, Optional>,
) -> Handled<response::Refund<'static>> {
    let payment_id = parse(&id)?;
    let (wanted, key) = sent.read(&app, RefundPayment::read).await?;
    let payment = payments::find(&app, principal, payment_id).await?;
    let is_other = |currency| payment.money.currency() != currency;
    if wanted.currency.is_some_and(is_other) {
        return Err(Error::about(&CURRENCY_DIFFERS, "amount.currency").into());
    }
    let new = refunds::New {
        payment,
        amount: wanted.minor.map_or(Amount::Rest, Amount::Minor),
        reason: wanted.reason,
    };
    let is_rest = wanted.minor.is_none();
    let render =
        |refund: &Refund| Reply::<response::Refund>::stored(response::Refund::of(refund).body());
    let created = refunds::create(&app, principal, new, key, render).await;
    let created = created.map_err(|error| match error {
        // The request has no `amount` that the error could refer to.
        ApiError::RefundTooLarge if is_rest => Refusal::from(Error::of(&NOTHING_LEFT)),
        error => error.into(),
    });
    Ok(created?.into())
}
