//! Refunding the payment of an intent. The intent's status stays; it shows how much is refunded.

use domain::payment::State;
use domain::refund::Refund;
use wire::Body;
use wire::finternet::error::{Error, NOT_REFUNDABLE};
use wire::finternet::request::{self, RefundBody, RefundIntent, RefundsParameters};
use wire::finternet::response::{self, Envelope, List};

use super::find_own;
use crate::actions::refunds::{self, Amount, New};
use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};
use crate::surfaces::handler::{Auth, Handled, Id, Optional, Query, Reply, Sent};

const GROUP: &str = "Refunds";

/// A refund in its envelope.
type Shown = Envelope<response::Refund<'static>>;

pub const CREATE: Docs = docs(GROUP, "refundPaymentIntent", "Refund a payment intent")
    .description(
        "Refunds the remaining amount of the card payment, or the amount in the request, to the \
         card. Waits up to 8 seconds for the outcome; after that, the status is `PROCESSING` and \
         the refund continues. The payment intent keeps its status and shows the sum as \
         `amountRefunded`. Refunds send no webhooks.",
    )
    .example(r#"{ "amount": "25.00", "reason": "customer_request" }"#);

pub async fn create(
    Auth(app, principal): Auth,
    Id(id): Id,
    sent: Sent<RefundBody, Optional>,
) -> Handled<Shown, 201> {
    let intent = find_own(&app, principal, &id).await?;
    let paid = intent.paid.as_ref();
    let Some(paid) = paid.filter(|paid| paid.state == State::Captured) else {
        return Err(Error::not_now(&NOT_REFUNDABLE, intent.state()).into());
    };
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let payment = store::payments::get(&app.db, merchant, mode, paid.payment_id).await?;
    let payment =
        payment.ok_or_else(|| ApiError::internal("the payment of an intent is missing"))?;
    let currency = payment.money.currency();
    let (wanted, key) = sent
        .read(&app, |body| RefundIntent::read(body, currency))
        .await?;
    let new = New {
        payment,
        amount: match wanted.money {
            None => Amount::Rest,
            Some(money) => Amount::Major(money.amount()),
        },
        reason: wanted.reason,
    };
    let render =
        |refund: &Refund| Reply::<Shown, 201>::stored(Envelope::refund(refund, &intent).body());
    Ok(refunds::create(&app, principal, new, key, render)
        .await?
        .into())
}

pub const LIST: Docs = docs(
    GROUP,
    "listPaymentIntentRefunds",
    "List the refunds of a payment intent",
)
.description("Newest first.");

pub async fn list(
    Auth(app, principal): Auth,
    Id(id): Id,
    query: Query<RefundsParameters>,
) -> Handled<List<response::Refund<'static>>> {
    let intent = find_own(&app, principal, &id).await?;
    let page = request::refunds(&query.0)?;
    let (found, has_more) = refunds::list_of_intent(&app, principal, intent.id, &page).await?;
    Ok(Reply::of(List::refunds(&found, &intent, has_more).body()))
}
