//! What the reference says of paygate.

use domain::event::EventType;
use domain::surface::Surface;
use serde_json::{Value, json};
use wire::credentials::{CredentialsBody, Granted};
use wire::customer::{CustomerBody, CustomerChangesBody};
use wire::fourgeeks::error::Unauthorized;
use wire::page::PageParameters;
use wire::paygate::request::{CreatePaymentBody, RefundBody, TransactionsParameters};
use wire::paygate::response::{Customer, DeletedEndpoint, Endpoint, List, Payment, Refund};
use wire::paygate::{catalogue, error, webhook};
use wire::subscription::{ChangesBody, SubscriptionBody};

use super::first::First;
use super::operation::Operation;
use super::words::Words;
use super::{Security, Surfaced, events, name_events};

pub fn surfaced() -> Surfaced {
    let mut words = Words::new();
    let operations = operations(&mut words);
    let shape = words.told::<error::Body>();
    let events = events(webhook::word, |kind| match kind {
        EventType::RefundSettled | EventType::RefundFailed => words.told::<Refund>(),
        EventType::CustomerCreated | EventType::CustomerUpdated => words.told::<Customer>(),
        _ => words.told::<Payment>(),
    });
    let mut schemas = words.into_schemas();
    name_events(&mut schemas, &webhook::EVENTS, &events);
    Surfaced {
        surface: Surface::Paygate,
        summary: "Payments, refunds and customers; amounts are integers.",
        description: "Amounts are integers in the currency's smallest unit and times are Unix \
                      seconds. A decline is a payment with status `failed`, answered with 200.",
        security: bearer(),
        operations,
        first: vec![First::new(
            "createPayment",
            include_str!("first/paygate.json"),
        )],
        has_replays: true,
        errors: catalogue::ERRORS,
        shape,
        shapes: Vec::new(),
        events,
        schemas,
    }
}

/// The key, or an access token, as a Bearer.
pub fn bearer() -> Security {
    Security {
        name: "bearer",
        scheme: json!({
            "type": "http", "scheme": "bearer",
            "description": "Send `Authorization: Bearer` with an API key (`sk_test_…`, `sk_live_…`) or an access token.",
        }),
        curl: "-H 'Authorization: Bearer sk_test_YOUR_KEY'",
    }
}

fn operations(words: &mut Words) -> Vec<Operation> {
    let mut all = vec![token(words)];
    all.extend(payments(words));
    all.extend(customers(words));
    all.extend(endpoints(words));
    all
}

fn token(words: &mut Words) -> Operation {
    let at = ("post", "/v1/auth/token");
    let about = ("Access tokens", "Get an access token");
    Operation::new::<Granted>(words, at, "createToken", about)
        .saying("Send it as a Bearer wherever an API key is sent, until `expires_in` is over.")
        .taking::<CredentialsBody>(words, credentials())
        .open()
        .refusing(&[401])
}

/// Client credentials that nobody has.
pub fn credentials() -> Value {
    json!({ "client_id": "client_YOUR_ID", "client_secret": "cs_YOUR_SECRET" })
}

fn payments(words: &mut Words) -> Vec<Operation> {
    const GROUP: &str = "Payments";
    let example = json!({
        "amount": 5000, "currency": "USD", "payment_method": "card",
        "card": { "number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123" },
        "customer": { "email": "customer@example.com", "name": "John Doe" },
        "description": "Order #12345",
    });
    let new = Operation::new::<Payment>;
    let list = Operation::new::<List<Payment>>;
    let (at, about) = (("post", "/v1/payments"), (GROUP, "Create a payment"));
    let create = new(words, at, "createPayment", about)
        .saying(
            "Charges the card and waits for the outcome, at most 8 seconds; then the answer is \
             `pending` and the payment goes on. A decline is `failed` with a `failure_code`.",
        )
        .also(&["/v1/payments/"])
        .taking::<CreatePaymentBody>(words, example)
        .once()
        .refusing(&[403]);
    let (at, about) = (("get", "/v1/payments/{id}"), (GROUP, "Read a payment"));
    let read = new(words, at, "getPayment", about).shared::<Unauthorized>(words);
    let (at, about) = (("get", "/v1/transactions"), (GROUP, "List payments"));
    let transactions = list(words, at, "listTransactions", about)
        .also(&["/v1/transactions/"])
        .saying("Newest first.")
        .reading::<TransactionsParameters>(words);
    let (at, about) = (
        ("get", "/v1/payments"),
        (GROUP, "List payments at their own path"),
    );
    let payments = list(words, at, "listPayments", about)
        .also(&["/v1/payments/"])
        .saying("The same as `/v1/transactions`.")
        .reading::<TransactionsParameters>(words);
    let at = ("post", "/v1/payments/{id}/refund");
    let refund = Operation::new::<Refund>(words, at, "refundPayment", (GROUP, "Refund a payment"))
        .saying("Gives money back, all that is left of it unless you say how much.")
        .taking::<RefundBody>(
            words,
            json!({ "amount": 2500, "reason": "customer_request" }),
        )
        .or_nothing()
        .once();
    vec![create, read, transactions, payments, refund]
}

fn customers(words: &mut Words) -> Vec<Operation> {
    const GROUP: &str = "Customers";
    const ONE: &str = "/v1/customers/{id}";
    let example = json!({ "email": "ada@example.com", "name": "Ada" });
    let new = Operation::new::<Customer>;
    let (at, about) = (("post", "/v1/customers"), (GROUP, "Create a customer"));
    let create = new(words, at, "createCustomer", about)
        .also(&["/v1/customers/"])
        .saying("Where the e-mail address is known already, that customer is changed instead.")
        .taking::<CustomerBody>(words, example)
        .once();
    let (at, about) = (("get", "/v1/customers"), (GROUP, "List customers"));
    let list = Operation::new::<List<Customer>>(words, at, "listCustomers", about)
        .also(&["/v1/customers/"])
        .saying("Newest first.")
        .reading::<PageParameters>(words);
    let read = new(
        words,
        ("get", ONE),
        "getCustomer",
        (GROUP, "Read a customer"),
    );
    let about = (GROUP, "Change a customer");
    let update = new(words, ("patch", ONE), "updateCustomer", about)
        .taking::<CustomerChangesBody>(words, json!({ "name": "Ada Lovelace" }));
    vec![create, list, read, update]
}

fn endpoints(words: &mut Words) -> Vec<Operation> {
    const GROUP: &str = "Webhook endpoints";
    const ALL: &str = "/v1/webhooks";
    const ONE: &str = "/v1/webhooks/{id}";
    let example = json!({ "url": "https://example.com/webhooks", "events": ["payment.succeeded"] });
    let new = Operation::new::<Endpoint>;
    let about = (GROUP, "Register a webhook endpoint");
    let create = new(words, ("post", ALL), "createWebhookEndpoint", about)
        .also(&["/v1/webhooks/"])
        .saying("Keep the `secret`; it is not shown again.")
        .taking::<SubscriptionBody>(words, example)
        .once();
    let about = (GROUP, "List webhook endpoints");
    let list = Operation::new::<List<Endpoint>>(words, ("get", ALL), "listWebhookEndpoints", about)
        .also(&["/v1/webhooks/"]);
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
