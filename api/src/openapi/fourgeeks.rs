//! What the reference says of fourgeeks.

use domain::surface::Surface;
use serde_json::{Value, json};
use wire::fourgeeks::request::{
    CreatePaymentBody, CreateSessionBody, CustomerBody, PaymentsParameters, RefundOfChargeBody,
    RefundOfPaymentBody,
};
use wire::fourgeeks::response::{
    ChargeRefund, Created, Customer, CustomerPage, Customers, Payment, PaymentRow, PublicPayment,
    Refund, Refunds, Session, SessionCreated,
};
use wire::fourgeeks::{catalogue, error};
use wire::page::PageParameters;
use wire::paygate::error as paygate;

use super::first::First;
use super::operation::Operation;
use super::words::Words;
use super::{Security, Surfaced};

pub fn surfaced() -> Surfaced {
    let mut words = Words::new();
    let mut operations = payments(&mut words);
    operations.extend(hosted(&mut words));
    operations.extend(refunds(&mut words));
    operations.extend(customers(&mut words));
    let shape = words.told::<error::Problem>();
    let shapes = vec![(401, words.told::<error::Unauthorized>())];
    Surfaced {
        surface: Surface::Fourgeeks,
        summary: "Payments stated on a hosted page; amounts are decimal strings.",
        description: "Amounts are decimal strings in major units, and JSON numbers in lists; times \
                      are ISO 8601. Every payment has a page of the gateway's. It states the payment \
                      and takes no card yet, so a payment made here stays `pending` and fails \
                      after 24 hours.",
        security: Security {
            name: "basic",
            scheme: json!({
                "type": "http", "scheme": "basic",
                "description": "Send the API key as the user name of HTTP Basic, without a password.",
            }),
            curl: "-u sk_test_YOUR_KEY:",
        },
        operations,
        first: vec![First::new(
            "createPayment",
            include_str!("first/fourgeeks.json"),
        )],
        has_replays: false,
        errors: catalogue::ERRORS,
        shape,
        shapes,
        events: Vec::new(),
        schemas: words.into_schemas(),
    }
}

fn payments(words: &mut Words) -> Vec<Operation> {
    const GROUP: &str = "Payments";
    let example = json!({
        "amount": "500.00", "currency": "USD", "description": "Premium subscription payment",
        "items": ["Premium Plan - Monthly"], "return_url": "https://example.com/payment-result",
    });
    let (at, about) = (("post", "/v1/payments/"), (GROUP, "Create a payment"));
    let create = Operation::new::<Created>(words, at, "createPayment", about)
        .also(&["/v1/payments"])
        .saying(
            "`redirect` is the page that states the payment; from there the payer comes back to \
             `return_url`.",
        )
        .taking::<CreatePaymentBody>(words, example)
        .once()
        .answering(202)
        .refusing(&[403]);
    let (at, about) = (("get", "/v1/payments/"), (GROUP, "List payments"));
    let list = Operation::new::<Vec<PaymentRow>>(words, at, "listPayments", about)
        .also(&["/v1/payments"])
        .saying("Newest first.")
        .reading::<PaymentsParameters>(words);
    let (at, about) = (
        ("get", "/v1/payments/internal"),
        (GROUP, "List payments at their other path"),
    );
    let internal = Operation::new::<Vec<PaymentRow>>(words, at, "listInternalPayments", about)
        .also(&["/v1/payments/internal/"])
        .saying("The same as `/v1/payments/`.")
        .reading::<PaymentsParameters>(words);
    let (at, about) = (("get", "/v1/payments/{id}"), (GROUP, "Read a payment"));
    let mut read = Operation::new::<Payment>(words, at, "getPayment", about)
        .also(&["/v1/payments/{id}/"])
        .saying("By its `pay_` id, or by the UUID that lists show.")
        .refusing(&[400]);
    read.parameters.push(json!({
        "name": "test", "in": "query", "required": false, "schema": { "type": "boolean" },
        "description": "Only if the payment is of test mode, or of live mode.",
    }));
    vec![create, list, internal, read]
}

fn hosted(words: &mut Words) -> Vec<Operation> {
    const GROUP: &str = "Hosted page";
    let example = json!({
        "amount": "99.99", "currency": "USD", "return_url": "https://example.com/success",
    });
    let (at, about) = (
        ("post", "/v1/payments/session"),
        (GROUP, "Create a checkout session"),
    );
    let create = Operation::new::<SessionCreated>(words, at, "createSession", about)
        .also(&["/v1/payments/session/"])
        .saying("`checkout_url` is the page that states the payment.")
        .taking::<CreateSessionBody>(words, example)
        .once()
        .answering(201)
        .refusing(&[403]);
    let (at, about) = (
        ("get", "/v1/payments/session/{id}"),
        (GROUP, "Read a checkout session"),
    );
    let session = Operation::new::<Session>(words, at, "getSession", about)
        .also(&["/v1/payments/session/{id}/"])
        .saying("Whoever has the id can read it.")
        .open();
    let (at, about) = (
        ("get", "/v1/payments/public/{id}"),
        (GROUP, "Read what the payer may see"),
    );
    let public = Operation::new::<PublicPayment>(words, at, "getPublicPayment", about)
        .also(&["/v1/payments/public/{id}/"])
        .saying("Whoever has the id can read it.")
        .open();
    vec![create, session, public]
}

fn refunds(words: &mut Words) -> Vec<Operation> {
    const GROUP: &str = "Refunds";
    let example = json!({ "payment_id": "pay_0351FsBhSOBpYQOKPhbU9H", "amount": 2500 });
    let (at, about) = (("post", "/v1/refunds"), (GROUP, "Refund a payment"));
    let mut create = Operation::new::<Refund>(words, at, "createRefund", about)
        .also(&["/v1/refunds/"])
        .saying(
            "In either of two shapes: `payment_id` with an integer in the smallest unit, or \
             `charge_id` with a decimal string. The answer has the shape of the request.",
        )
        .taking::<RefundOfPaymentBody>(words, example)
        .once()
        .refusing(&[404]);
    let charge = words.asked::<RefundOfChargeBody>();
    if let Some(body) = &mut create.body {
        body.schema = either(&body.schema, &charge);
    }
    if let Some(answer) = &mut create.answer {
        answer.schema = either(&answer.schema, &words.told::<ChargeRefund>());
    }
    let (at, about) = (("get", "/v1/refunds"), (GROUP, "List refunds"));
    let list = Operation::new::<Refunds>(words, at, "listRefunds", about)
        .also(&["/v1/refunds/"])
        .saying("Newest first.")
        .reading::<PageParameters>(words);
    let (at, about) = (("get", "/v1/refunds/{id}"), (GROUP, "Read a refund"));
    let read = Operation::new::<Refund>(words, at, "getRefund", about).also(&["/v1/refunds/{id}/"]);
    vec![create, list, read]
}

fn either(one: &Value, other: &Value) -> Value {
    json!({ "anyOf": [one, other] })
}

fn customers(words: &mut Words) -> Vec<Operation> {
    const GROUP: &str = "Customers";
    let example = json!({ "email": "ada@example.com", "name": "Ada" });
    let (at, about) = (("post", "/v1/customers"), (GROUP, "Create a customer"));
    let create = Operation::new::<Customer>(words, at, "createCustomer", about)
        .also(&["/v1/customers/"])
        .saying("Where the e-mail address is known already, that customer is changed instead.")
        .taking::<CustomerBody>(words, example)
        .once()
        .shared::<paygate::Body>(words);
    let (at, about) = (("get", "/v1/customers"), (GROUP, "List customers"));
    let list = Operation::new::<Customers>(words, at, "listCustomers", about)
        .saying("Newest first.")
        .reading::<PageParameters>(words)
        .shared::<paygate::Body>(words);
    let (at, about) = (
        ("get", "/v1/customers/"),
        (GROUP, "List customers in pages"),
    );
    let mut pages = Operation::new::<CustomerPage>(words, at, "listCustomerPages", about)
        .saying("Newest first, with the UUIDs that lists of payments show.")
        .refusing(&[400]);
    pages.parameters = vec![
        number("page", "Which page.", (1, 10_001)),
        number("page_size", "How many customers on a page.", (1, 100)),
    ];
    let (at, about) = (("get", "/v1/customers/{id}"), (GROUP, "Read a customer"));
    let read = Operation::new::<Customer>(words, at, "getCustomer", about)
        .also(&["/v1/customers/{id}/"])
        .shared::<paygate::Body>(words);
    vec![create, list, pages, read]
}

fn number(name: &str, description: &str, (least, most): (u32, u32)) -> Value {
    json!({
        "name": name, "in": "query", "required": false, "description": description,
        "schema": { "type": "integer", "minimum": least, "maximum": most },
    })
}
