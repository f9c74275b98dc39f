//! Payments, the list of them, and refunds.

use domain::id::PaymentId;
use domain::payment::Payment;
use domain::refund::Refund;
use store::accept::StoredResponse;
use store::page::Size;
use store::payments::Filter;
use wire::Body;
use wire::fourgeeks::error::Unauthorized;
use wire::paygate::request::{
    CreatePayment, CreatePaymentBody, RefundPayment, Transactions, TransactionsParameters,
};
use wire::paygate::response;

use crate::actions::payments::{self, New, Payer};
use crate::actions::refunds::{self, Amount};
use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};
use crate::openapi::schemas;
use crate::surfaces::handler::{Auth, Handled, Id, Optional, Query, Reply, Sent};

const GROUP: &str = "Payments";

pub const CREATE: Docs = docs(GROUP, "createPayment", "Create a payment")
    .description(
        "Charges the card and waits up to 8 seconds for the outcome. After that, the status is \
         `pending` and the payment continues. A declined payment is `failed`, with a \
         `failure_code`.",
    )
    .example(
        r#"{
            "amount": 5000, "currency": "USD", "payment_method": "card",
            "card": { "number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123" },
            "customer": { "email": "customer@example.com", "name": "John Doe" },
            "description": "Order #12345"
        }"#,
    );

pub async fn create(
    Auth(app, principal): Auth,
    sent: Sent<CreatePaymentBody>,
) -> Handled<response::Payment<'static>> {
    let (wanted, key) = sent.read(&app, CreatePayment::read).await?;
    let new = New {
        money: wanted.money,
        payer: wanted.customer.map(|payer| Payer {
            email: payer.email,
            name: payer.name,
            phone: payer.phone,
        }),
        card: wanted.card,
        description: wanted.description,
        metadata: wanted.metadata,
        intent_id: None,
        checkout: None,
    };
    let created = payments::create(&app, principal, new, key, render).await?;
    Ok(created.into())
}

fn render(payment: &Payment) -> StoredResponse {
    Reply::<response::Payment>::stored(response::Payment::of(payment).body())
}

pub const READ: Docs =
    docs(GROUP, "getPayment", "Read a payment").shared(schemas::response::<Unauthorized>);

pub async fn read(Auth(app, principal): Auth, Id(id): Id) -> Handled<response::Payment<'static>> {
    let payment = payments::find(&app, principal, parse(&id)?).await?;
    Ok(Reply::of(response::Payment::of(&payment).body()))
}

fn parse(id: &str) -> Result<PaymentId, ApiError> {
    PaymentId::parse(id).ok_or(ApiError::Missing("payment"))
}

pub const LIST: Docs =
    docs(GROUP, "listTransactions", "List payments").description("Newest first.");

pub const LIST_AGAIN: Docs = docs(GROUP, "listPayments", "List payments (alias)")
    .description("An alias of `/v1/transactions`.");

pub async fn list(
    Auth(app, principal): Auth,
    query: Query<TransactionsParameters>,
) -> Handled<response::List<response::Payment<'static>>> {
    let wanted = Transactions::read(&query.0)?;
    let filter = Filter {
        states: wanted.states,
        from: wanted.from,
        to: wanted.to,
        ..Filter::default()
    };
    let size = Size::short(wanted.page.limit);
    let (found, has_more) = payments::list(&app, principal, &wanted.page, filter, size).await?;
    let data = found.iter().map(response::Payment::of).collect();
    let list = response::List::of(&wanted.page, data, has_more);
    Ok(Reply::of(list.body()))
}

pub const REFUND: Docs = docs(GROUP, "refundPayment", "Refund a payment")
    .description("Refunds the remaining amount of the payment, or the amount in the request.")
    .example(r#"{ "amount": 2500, "reason": "customer_request" }"#);

pub async fn refund(
    Auth(app, principal): Auth,
    Id(id): Id,
    sent: Sent<RefundPayment, Optional>,
) -> Handled<response::Refund<'static>> {
    let payment_id = parse(&id)?;
    let (wanted, key) = sent.read(&app, RefundPayment::read).await?;
    let new = refunds::New {
        payment: payments::find(&app, principal, payment_id).await?,
        amount: wanted.amount.map_or(Amount::Rest, Amount::Minor),
        reason: wanted.reason,
    };
    let render =
        |refund: &Refund| Reply::<response::Refund>::stored(response::Refund::of(refund).body());
    let created = refunds::create(&app, principal, new, key, render).await?;
    Ok(created.into())
}
