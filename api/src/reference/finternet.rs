//! What the reference says of finternet.

use domain::surface::Surface;
use serde_json::json;
use wire::finternet::request::{
    CancelBody, CardPaymentBody, IntentBody, IntentsParameters, LedgerEntriesParameters,
};
use wire::finternet::response::{Balance, Envelope, LedgerEntries, PaymentIntent};
use wire::finternet::{catalogue, error, webhook};

use super::operation::Operation;
use super::words::Words;
use super::{Security, Surfaced, events};

pub fn surfaced() -> Surfaced {
    let mut words = Words::new();
    let mut operations = intents(&mut words);
    operations.extend(public(&mut words));
    operations.extend(account(&mut words));
    let error = words.told::<error::Error>();
    let shape =
        json!({ "type": "object", "required": ["error"], "properties": { "error": error } });
    let shape = words.add("ErrorBody", shape);
    let events = events(webhook::word, |_| words.told::<webhook::Told>());
    Surfaced {
        surface: Surface::Finternet,
        summary: "Payment intents, paid by card.",
        description: "Amounts are decimal strings and times are Unix seconds. Every object comes in \
                      an envelope of its own.",
        security: Security {
            name: "key",
            scheme: json!({
                "type": "apiKey", "in": "header", "name": "X-API-Key",
                "description": "An API key (`sk_test_…`, `sk_live_…`).",
            }),
        },
        operations,
        has_replays: true,
        errors: catalogue::ERRORS,
        shape,
        shapes: Vec::new(),
        events,
        schemas: words.into_schemas(),
    }
}

fn intents(words: &mut Words) -> Vec<Operation> {
    const GROUP: &str = "Payment intents";
    const ALL: &str = "/v1/payment-intents";
    const ONE: &str = "/v1/payment-intents/{id}";
    let example = json!({ "amount": "100.00", "currency": "USD", "type": "DELIVERY_VS_PAYMENT" });
    let new = Operation::new::<Envelope<PaymentIntent>>;
    let about = (GROUP, "Create a payment intent");
    let create = new(words, ("post", ALL), "createPaymentIntent", about)
        .also(&["/v1/payment-intents/"])
        .saying("Somebody with its id then pays it by card.")
        .taking::<IntentBody>(words, example)
        .once()
        .answering(201)
        .refusing(&[403]);
    let about = (GROUP, "List payment intents");
    let mut list = new(words, ("get", ALL), "listPaymentIntents", about)
        .also(&["/v1/payment-intents/"])
        .saying("Newest first.")
        .reading::<IntentsParameters>(words);
    let page = json!({
        "type": "object",
        "description": "A page of payment intents, the newest first.",
        "required": ["object", "data", "has_more"],
        "properties": {
            "object": { "type": "string", "const": "list", "description": "Always `list`." },
            "data": { "type": "array", "items": list.answer.schema, "description": "The payment intents." },
            "has_more": { "type": "boolean", "description": "Whether older ones follow: ask for them with the last one's id as `starting_after`." },
        },
    });
    list.answer.schema = words.add("PaymentIntentPage", page);
    let about = (GROUP, "Read a payment intent");
    let read = new(words, ("get", ONE), "getPaymentIntent", about).refusing(&[403]);
    let (at, about) = (
        ("post", "/v1/payment-intents/{id}/cancel"),
        (GROUP, "Cancel a payment intent"),
    );
    let cancel = new(words, at, "cancelPaymentIntent", about)
        .saying("One that is not paid, nor being paid.")
        .taking::<CancelBody>(words, json!({ "reason": "The order was withdrawn" }))
        .or_nothing()
        .refusing(&[403]);
    vec![create, list, read, cancel]
}

fn public(words: &mut Words) -> Vec<Operation> {
    const GROUP: &str = "Paying";
    let card = json!({
        "cardNumber": "4242 4242 4242 4242", "expiry": "12/30", "cvv": "123", "name": "John Doe",
    });
    let new = Operation::new::<Envelope<PaymentIntent>>;
    let (at, about) = (
        ("get", "/v1/payment-intents/public/{id}"),
        (GROUP, "Read a payment intent as its payer"),
    );
    let read = new(words, at, "getPublicPaymentIntent", about)
        .saying("Whoever has the id can read it.")
        .open();
    let (at, about) = (
        ("post", "/v1/payment-intents/public/{id}/payment"),
        (GROUP, "Pay a payment intent by card"),
    );
    let pay = new(words, at, "payPaymentIntent", about)
        .saying(
            "Waits for the outcome, at most 8 seconds. After a decline another card may follow.",
        )
        .taking::<CardPaymentBody>(words, json!({ "card": card }))
        .once()
        .open()
        .refusing(&[403]);
    vec![read, pay]
}

fn account(words: &mut Words) -> Vec<Operation> {
    const GROUP: &str = "Account";
    let (at, about) = (
        ("get", "/v1/payment-intents/account/balance"),
        (GROUP, "Read your balance"),
    );
    let balance = Operation::new::<Balance>(words, at, "getBalance", about);
    let (at, about) = (
        ("get", "/v1/payment-intents/account/ledger-entries"),
        (GROUP, "List what moved your balance"),
    );
    let entries = Operation::new::<LedgerEntries>(words, at, "listLedgerEntries", about)
        .saying("Newest first.")
        .reading::<LedgerEntriesParameters>(words);
    vec![balance, entries]
}
