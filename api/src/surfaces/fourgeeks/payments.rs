//! Payments and sessions.

use std::sync::Arc;

use axum::extract::State;
use domain::id::{MerchantId, PaymentId};
use domain::merchant::Mode;
use domain::money::Currency;
use domain::payment::Payment;
use schemars::JsonSchema;
use serde_json::{Map, Value};
use store::accept::StoredResponse;
use store::merchants::Principal;
use store::page::Size;
use store::payments::Filter;
use store::{ledger, merchants, rates};
use wire::Body;
use wire::fields::FieldError;
use wire::fourgeeks::error::Error;
use wire::fourgeeks::request::{
    CreatePayment, CreatePaymentBody, CreateSessionBody, ListPayments, PaymentsParameters,
    ReadPayment, ReadPaymentParameters,
};
use wire::fourgeeks::response::{
    self, Booked, Created, Exchange, PaymentRow, PublicPayment, Session, SessionCreated, Started,
};
use wire::fourgeeks::{MerchantProfile, payment_id, session};

use super::first_only;
use crate::App;
use crate::actions::payments::{self, New};
use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};
use crate::surfaces::handler::{Auth, Handled, Id, Query, Reply, Sent, of};

const GROUP: &str = "Payments";
const PAGE_GROUP: &str = "Hosted page";

pub const CREATE: Docs = docs(GROUP, "createPayment", "Create a payment")
    .description(
        "`redirect` is the URL of the page that shows the payment. From there the payer returns \
         to `return_url`.",
    )
    .example(
        r#"{
            "amount": "500.00", "currency": "USD", "description": "Premium subscription payment",
            "items": ["Premium Plan - Monthly"], "return_url": "https://example.com/payment-result"
        }"#,
    );

pub async fn create(
    Auth(app, principal): Auth,
    sent: Sent<CreatePaymentBody>,
) -> Handled<Created, 202> {
    let render = |_: &Payment, started| Reply::<Created, 202>::stored(Created::of(started).body());
    start(&app, principal, sent, CreatePayment::read, render).await
}

pub const CREATE_SESSION: Docs = docs(PAGE_GROUP, "createSession", "Create a checkout session")
    .description("`checkout_url` is the URL of the page that shows the payment.")
    .example(
        r#"{ "amount": "99.99", "currency": "USD", "return_url": "https://example.com/success" }"#,
    );

pub async fn create_session(
    Auth(app, principal): Auth,
    sent: Sent<CreateSessionBody>,
) -> Handled<SessionCreated, 201> {
    let render = |payment: &Payment, started| {
        Reply::<SessionCreated, 201>::stored(SessionCreated::of(payment, started).body())
    };
    start(&app, principal, sent, CreatePayment::read_session, render).await
}

/// Creates a payment without a card, for its hosted page.
async fn start<B: JsonSchema, T, const STATUS: u16>(
    app: &Arc<App>,
    principal: Principal,
    sent: Sent<B>,
    read: fn(Value, Mode) -> Result<CreatePayment, FieldError>,
    render: fn(&Payment, Started) -> StoredResponse,
) -> Handled<T, STATUS> {
    let (wanted, key) = sent.read(app, |body| read(body, principal.mode)).await?;
    let (profile, _) = profile(app, principal.merchant_id).await?;
    let new = New {
        money: wanted.money,
        payer: None,
        card: None,
        description: wanted.description,
        metadata: Map::new(),
        intent_id: None,
        checkout: Some(wanted.checkout),
    };
    let render = |payment: &Payment| match Started::of(&app.public_url, payment, &profile) {
        Some(started) => render(payment, started),
        None => of(&Error::from(ApiError::internal(
            "a payment of a session has no checkout",
        ))),
    };
    first_only(payments::create(app, principal, new, key, render).await?)
}

/// The merchant's public profile, and its own currency.
async fn profile(app: &App, merchant: MerchantId) -> Result<(MerchantProfile, Currency), ApiError> {
    // Each request reads it, so those with one idempotency key share what they read.
    let read = async { Ok(merchants::profile(&app.db, merchant).await?) };
    let found = app.profiles.run(merchant, read).await.into_inner()?;
    let profile = MerchantProfile {
        name: found.name,
        email: found.email.unwrap_or_default(),
    };
    Ok((profile, found.currency))
}

pub const READ: Docs = docs(GROUP, "getPayment", "Read a payment")
    .description("The id is the `pay_` id, or the UUID shown in lists.");

pub async fn read(
    Auth(app, principal): Auth,
    query: Query<ReadPaymentParameters>,
    Id(id): Id,
) -> Handled<response::Payment<'static>> {
    let wanted = ReadPayment::read(&query.0)?;
    let id = payment_id(&id).filter(|_| wanted.may_show(principal.mode));
    let id = id.ok_or(ApiError::Missing("payment"))?;
    let payment = payments::find(&app, principal, id).await?;
    Ok(Reply::of(response::Payment::of(&payment).body()))
}

pub const READ_PUBLIC: Docs = docs(
    PAGE_GROUP,
    "getPublicPayment",
    "Read a payment as its payer",
)
.description("Anyone with the id can read it.");

pub async fn read_public(
    State(app): State<Arc<App>>,
    Id(id): Id,
) -> Handled<PublicPayment<'static>> {
    let payment = find_hosted(&app, payment_id(&id), "payment").await?;
    let public = PublicPayment::of(&payment)
        .ok_or_else(|| ApiError::internal("a hosted payment has no checkout"))?;
    Ok(Reply::of(public.body()))
}

pub const READ_SESSION: Docs = docs(PAGE_GROUP, "getSession", "Read a checkout session")
    .description("Anyone with the id can read it.");

pub async fn read_session(State(app): State<Arc<App>>, Id(id): Id) -> Handled<Session<'static>> {
    let payment = find_hosted(&app, session(&id), "session").await?;
    let (profile, _) = profile(&app, payment.merchant_id).await?;
    let started = Started::of(&app.public_url, &payment, &profile);
    let session = started.and_then(|started| Session::of(&payment, started));
    let session =
        session.ok_or_else(|| ApiError::internal("a session's payment has no checkout"))?;
    Ok(Reply::of(session.body()))
}

/// Finds a payment of any merchant that has a hosted page. `what` is the kind of object requested.
async fn find_hosted(
    app: &App,
    id: Option<PaymentId>,
    what: &'static str,
) -> Result<Payment, ApiError> {
    let id = id.ok_or(ApiError::Missing(what))?;
    let hosted = store::payments::hosted(&app.db, id).await?;
    Ok(hosted.ok_or(ApiError::Missing(what))?.payment)
}

pub const LIST: Docs = docs(GROUP, "listPayments", "List payments").description("Newest first.");

pub const LIST_INTERNAL: Docs = docs(GROUP, "listInternalPayments", "List payments (alias)")
    .description("An alias of `/v1/payments/`.");

pub async fn list(
    Auth(app, principal): Auth,
    query: Query<PaymentsParameters>,
) -> Handled<Vec<PaymentRow<'static>>> {
    let wanted = ListPayments::read(&query.0)?;
    let filter = Filter {
        states: wanted.states,
        ..Filter::default()
    };
    let size = Size::whole(wanted.page.limit);
    let (found, _) = payments::list(&app, principal, &wanted.page, filter, size).await?;
    // Not earlier: a wrong cursor is an error whatever `test` is.
    if !wanted.test.may_show(principal.mode) {
        return Ok(Reply::of(response::list(&[])));
    }
    Ok(Reply::of(rows(&app, principal, &found).await?))
}

/// Renders a list of payments, with the fee and the exchange rates of each.
async fn rows(app: &App, principal: Principal, payments: &[Payment]) -> Result<String, ApiError> {
    let ids: Vec<PaymentId> = payments.iter().map(|payment| payment.id).collect();
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let (profile, local) = profile(app, merchant).await?;
    let captures = ledger::captures(&app.db, merchant, mode, &ids).await?;
    let rates = rates::at(&app.db, merchant, mode, local, &ids).await?;
    let statement = profile.statement();
    let rows = payments.iter().map(|payment| {
        let booked = captures.get(&payment.id).map(|capture| Booked {
            fee: capture.fee,
            net: capture.net,
        });
        let then = rates.get(&payment.id).copied().unwrap_or_default();
        let exchange = Exchange {
            local,
            local_per_usd: then.local_per_usd,
            original_per_usd: then.original_per_usd,
        };
        PaymentRow::of(payment, booked.unwrap_or_default(), &exchange, &statement)
    });
    Ok(response::list(&rows.collect::<Vec<_>>()))
}
