//! What the reference says of finfusion.

use domain::event::EventType;
use domain::surface::Surface;
use serde_json::json;
use wire::credentials::Granted;
use wire::finfusion::request::{CreatePaymentBody, CustomerBody, RefundBody, TokenBody};
use wire::finfusion::response::{Customer, DeletedEndpoint, Endpoint, List, Payment, Refund};
use wire::finfusion::{catalogue, error, webhook};
use wire::page::PageParameters;
use wire::subscription::{ChangesBody, SubscriptionBody};

use super::first::First;
use super::operation::Operation;
use super::words::Words;
use super::{Surfaced, events, name_events, paygate};

pub fn surfaced() -> Surfaced {
    let mut words = Words::new();
    let operations = operations(&mut words);
    let shape = words.told::<error::Body>();
    let events = events(webhook::word, |kind| match kind {
        EventType::RefundSettled => words.told::<Refund>(),
        _ => words.told::<Payment>(),
    });
    let mut schemas = words.into_schemas();
    name_events(&mut schemas, &webhook::EVENTS, &events);
    Surfaced {
        surface: Surface::Finfusion,
        summary: "Payments with amount objects, under /v2.",
        description: "Amounts are objects of a value in the currency's smallest unit and a \
                      currency; times are ISO 8601. A decline is answered with 402.",
        security: paygate::bearer(),
        operations,
        first: vec![First::new(
            "createPayment",
            include_str!("first/finfusion.json"),
        )],
        has_replays: true,
        errors: catalogue::ERRORS,
        shape,
        shapes: Vec::new(),
        events,
        schemas,
    }
}

fn operations(words: &mut Words) -> Vec<Operation> {
    let mut form = paygate::credentials();
    form["grant_type"] = "client_credentials".into();
    let (at, about) = (
        ("post", "/oauth/token"),
        ("Access tokens", "Get an access token"),
    );
    let token = Operation::new::<Granted>(words, at, "createToken", about)
        .saying("OAuth 2.0 client credentials. Send the token as a Bearer wherever a key is sent.")
        .taking::<TokenBody>(words, form)
        .sent_as_form()
        .open()
        .refusing(&[401]);
    let mut all = vec![token];
    all.extend(payments(words));
    all.extend(customers(words));
    all.extend(endpoints(words));
    all
}

fn payments(words: &mut Words) -> Vec<Operation> {
    const GROUP: &str = "Payments";
    const ALL: &str = "/v2/payments";
    let card =
        json!({ "number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123" });
    let example = json!({
        "amount": { "value": 1000, "currency": "USD" },
        "payment_method": { "type": "card", "card": card },
        "metadata": { "order_id": "order_123" },
    });
    let new = Operation::new::<Payment>;
    let create = new(
        words,
        ("post", ALL),
        "createPayment",
        (GROUP, "Create a payment"),
    )
    .saying(
        "Charges the card and waits for the outcome, at most 8 seconds; then the answer is \
             `pending` and the payment goes on. A decline is 402; the payment can be read.",
    )
    .taking::<CreatePaymentBody>(words, example)
    .once()
    .refusing(&[402, 403]);
    let list = Operation::new::<List<Payment>>;
    let list = list(
        words,
        ("get", ALL),
        "listPayments",
        (GROUP, "List payments"),
    )
    .saying("Newest first.")
    .reading::<PageParameters>(words);
    let (at, about) = (("get", "/v2/payments/{id}"), (GROUP, "Read a payment"));
    let read = new(words, at, "getPayment", about);
    let at = ("post", "/v2/payments/{id}/refund");
    let refund = Operation::new::<Refund>(words, at, "refundPayment", (GROUP, "Refund a payment"))
        .saying("Gives money back, all that is left of it unless you say how much.")
        .taking::<RefundBody>(words, json!({ "reason": "customer_request" }))
        .or_nothing()
        .once();
    vec![create, list, read, refund]
}

fn customers(words: &mut Words) -> Vec<Operation> {
    const GROUP: &str = "Customers";
    let example = json!({ "email": "customer@example.com", "name": "John Doe" });
    let new = Operation::new::<Customer>;
    let (at, about) = (("post", "/v2/customers"), (GROUP, "Create a customer"));
    let create = new(words, at, "createCustomer", about)
        .saying("Where the e-mail address is known already, that customer is changed instead.")
        .taking::<CustomerBody>(words, example)
        .once();
    let (at, about) = (("get", "/v2/customers/{id}"), (GROUP, "Read a customer"));
    let read = new(words, at, "getCustomer", about);
    vec![create, read]
}

fn endpoints(words: &mut Words) -> Vec<Operation> {
    const GROUP: &str = "Webhook endpoints";
    const ALL: &str = "/v2/webhooks";
    const ONE: &str = "/v2/webhooks/{id}";
    let example = json!({ "url": "https://example.com/webhooks", "events": ["payment.succeeded"] });
    let new = Operation::new::<Endpoint>;
    let about = (GROUP, "Register a webhook endpoint");
    let create = new(words, ("post", ALL), "createWebhookEndpoint", about)
        .saying("Keep the `secret`; it is not shown again.")
        .taking::<SubscriptionBody>(words, example)
        .once();
    let about = (GROUP, "List webhook endpoints");
    let list = Operation::new::<List<Endpoint>>(words, ("get", ALL), "listWebhookEndpoints", about);
    let about = (GROUP, "Read a webhook endpoint");
    let read = new(words, ("get", ONE), "getWebhookEndpoint", about);
    let about = (GROUP, "Change a webhook endpoint");
    let update = new(words, ("patch", ONE), "updateWebhookEndpoint", about)
        .taking::<ChangesBody>(words, json!({ "status": "disabled" }));
    let about = (GROUP, "Delete a webhook endpoint");
    let delete = Operation::new::<DeletedEndpoint>;
    let delete = delete(words, ("delete", ONE), "deleteWebhookEndpoint", about);
    vec![create, list, read, update, delete]
}
