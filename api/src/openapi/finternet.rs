//! What the reference says of finternet.

use domain::surface::Surface;
use serde_json::json;
use wire::finternet::request::{
    CancelBody, CardPaymentBody, IntentBody, IntentsParameters, LedgerEntriesParameters,
};
use wire::finternet::response::{
    Balance, DeletedEndpoint, Envelope, LedgerEntries, List, PaymentIntent, WebhookEndpoint,
};
use wire::finternet::{catalogue, error, webhook};
use wire::subscription::{ChangesBody, SubscriptionBody};

use super::first::First;
use super::operation::Operation;
use super::words::Words;
use super::{Security, Surfaced, events, name_events};

pub fn surfaced() -> Surfaced {
    let mut words = Words::new();
    let mut operations = intents(&mut words);
    operations.extend(public(&mut words));
    operations.extend(account(&mut words));
    operations.extend(endpoints(&mut words));
    operations.extend(on_chain());
    let error = words.told::<error::Error>();
    let shape =
        json!({ "type": "object", "required": ["error"], "properties": { "error": error } });
    let shape = words.add("ErrorBody", shape);
    let events = events(webhook::word, |_| words.told::<webhook::Told>());
    let mut schemas = words.into_schemas();
    name_events(&mut schemas, &webhook::EVENTS, &events);
    Surfaced {
        surface: Surface::Finternet,
        summary: "Payment intents, paid by card.",
        description: "Amounts are decimal strings and times are Unix seconds. Every object comes in \
                      an envelope of its own.",
        security: Security {
            name: "key",
            scheme: json!({
                "type": "apiKey", "in": "header", "name": "X-API-Key",
                "description": "Send `X-API-Key: YOUR_API_KEY` (`sk_test_…`, `sk_live_…`).",
            }),
            curl: "-H 'X-API-Key: sk_test_YOUR_KEY'",
        },
        operations,
        first: vec![
            First::new("createPaymentIntent", include_str!("first/finternet.json")),
            First {
                operation: "payPaymentIntent",
                id: "intent_0353sqxACSZvAv9GR0iqWG",
                answer: include_str!("first/finternet_paid.json"),
            },
        ],
        has_replays: true,
        errors: catalogue::ERRORS,
        shape,
        shapes: Vec::new(),
        events,
        schemas,
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
    let list =
        Operation::new::<List<PaymentIntent>>(words, ("get", ALL), "listPaymentIntents", about)
            .also(&["/v1/payment-intents/"])
            .saying("Newest first.")
            .reading::<IntentsParameters>(words);
    let about = (GROUP, "Read a payment intent");
    let read = new(words, ("get", ONE), "getPaymentIntent", about)
        .also(&["/v1/payment-intents/{id}/"])
        .refusing(&[403]);
    let (at, about) = (
        ("post", "/v1/payment-intents/{id}/cancel"),
        (GROUP, "Cancel a payment intent"),
    );
    let cancel = new(words, at, "cancelPaymentIntent", about)
        .saying("One that is not paid, nor being paid.")
        .taking::<CancelBody>(words, json!({ "reason": "The order was withdrawn" }))
        .or_nothing()
        .once()
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
        .saying(
            "Whoever has the id can read it. An operator can keep the merchant, the destination and \
             the metadata of your payment intents from them; those are then null.",
        )
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

fn endpoints(words: &mut Words) -> Vec<Operation> {
    const GROUP: &str = "Webhook endpoints";
    const ALL: &str = "/v1/webhooks";
    const ONE: &str = "/v1/webhooks/{id}";
    let example = json!({
        "url": "https://example.com/webhooks", "events": ["payment_intent.status_changed"],
    });
    let new = Operation::new::<Envelope<WebhookEndpoint>>;
    let about = (GROUP, "Register a webhook endpoint");
    let create = new(words, ("post", ALL), "createWebhookEndpoint", about)
        .also(&["/v1/webhooks/"])
        .saying("Keep the `secret`; it is not shown again.")
        .taking::<SubscriptionBody>(words, example)
        .once()
        .answering(201);
    let about = (GROUP, "List webhook endpoints");
    let list = Operation::new::<List<WebhookEndpoint>>;
    let list = list(words, ("get", ALL), "listWebhookEndpoints", about).also(&["/v1/webhooks/"]);
    let about = (GROUP, "Read a webhook endpoint");
    let read = new(words, ("get", ONE), "getWebhookEndpoint", about);
    let about = (GROUP, "Change a webhook endpoint");
    let update = new(words, ("patch", ONE), "updateWebhookEndpoint", about)
        .taking::<ChangesBody>(words, json!({ "status": "disabled" }));
    let about = (GROUP, "Change a webhook endpoint with PUT");
    let put = new(words, ("put", ONE), "putWebhookEndpoint", about)
        .saying("The same as with PATCH: what is not sent stays.")
        .taking::<ChangesBody>(words, json!({ "status": "disabled" }))
        // Without a key it is another surface's path, and has no such method there.
        .refusing(&[405]);
    let about = (GROUP, "Delete a webhook endpoint");
    let delete = Operation::new::<DeletedEndpoint>;
    let delete = delete(words, ("delete", ONE), "deleteWebhookEndpoint", about);
    vec![create, list, read, update, put, delete]
}

/// What only a payment on chain needs. The paths are there to say that this gateway has no chain.
fn on_chain() -> Vec<Operation> {
    const GROUP: &str = "On-chain payments";
    const ESCROW: [(&str, &str, &str, &str); 5] = [
        (
            "get",
            "/v1/payment-intents/{id}/escrow",
            "getEscrow",
            "Read the escrow",
        ),
        (
            "post",
            "/v1/payment-intents/{id}/escrow/delivery-proof",
            "createDeliveryProof",
            "Prove a delivery",
        ),
        (
            "post",
            "/v1/payment-intents/{id}/escrow/dispute",
            "createDispute",
            "Dispute a delivery",
        ),
        (
            "post",
            "/v1/payment-intents/{id}/escrow/milestones",
            "createMilestone",
            "Add a milestone",
        ),
        (
            "post",
            "/v1/payment-intents/{id}/escrow/milestones/{milestone}/complete",
            "completeMilestone",
            "Complete a milestone",
        ),
    ];
    const BY_CARD: &str = "Not available on this gateway, which says so with 400: pay by card. What \
                           is sent is not looked at.";
    let none = Operation::unavailable;
    let at = ("post", "/v1/payment-intents/{id}/confirm");
    let about = (GROUP, "Confirm a payment intent by signature");
    let confirm = none(at, "confirmPaymentIntent", about).refusing(&[400, 403]);
    let at = ("post", "/v1/payment-intents/public/{id}/transaction-hash");
    let about = (GROUP, "Tell the transaction of a payment intent");
    let hash = none(at, "setTransactionHash", about)
        .open()
        .refusing(&[400]);
    let escrow = ESCROW.map(|(method, path, name, summary)| {
        let escrow = none((method, path), name, (GROUP, summary)).refusing(&[403]);
        escrow.saying(
            "Not available on this gateway: no payment intent has an escrow, and 404 says so. What \
             is sent is not looked at.",
        )
    });
    let hash_and_confirm = [confirm, hash].map(|one| one.saying(BY_CARD));
    hash_and_confirm.into_iter().chain(escrow).collect()
}
