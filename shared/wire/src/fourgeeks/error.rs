//! Errors, in the three formats of the contract.

use domain::payment::Failure;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Value, json};

use super::response::{ChargeRefund, Customer, Refund, Started};
use crate::error::{Row, SurfaceError, rows};
use crate::fields::{FieldError, Why};

// This API has no error codes: `code` repeats the status, and `title`, or `detail` with 401, names
// the error.
rows! {
    INVALID: 400 "Invalid request",
        "{why}",
        "The body cannot be read, or a field or parameter is missing, wrong or unknown; `content` says which.",
        "Correct what `content` names.";
    NOT_REFUNDABLE: 400 "Invalid request",
        "Only a payment that is completed can be refunded.",
        "A refund of a payment that did not succeed.",
        "Refund completed payments.";
    REFUND_TOO_LARGE: 400 "Invalid request",
        "The amount field must be at most what is left of the payment.",
        "A refund of more than is left of the payment.",
        "Refund at most what is left.";
    HEADER_INVALID: 400 "Invalid request" as texts;
    IDEMPOTENCY_KEY_INVALID: 400 "Invalid request" as texts;
    KEY_MISSING: 401 "Authentication credentials were not provided.",
        "",
        "No key was sent.",
        "Send the key as the user name of HTTP Basic, without a password.";
    KEY_INVALID: 401 "Invalid API key format.",
        "",
        "A malformed key, or one that was never issued, or Basic without its colon.",
        "Check the key, and the colon behind it.";
    ACCOUNT_DISABLED: 403 "Account disabled" as texts;
    LIVE_UNAVAILABLE: 403 "Live mode unavailable",
        "This gateway has no live acquirer. Nothing was stored. Use a test key (sk_test_…).",
        "A live key; nothing was stored.",
        "Use a test key.";
    SCOPE_MISSING: 403 "Not permitted",
        "The access token lacks the scope payments.",
        "An access token without the scope `payments`.",
        "Ask for a token with the scope `payments`, or without one.";
    PAYMENT_MISSING: 404 "Payments not found",
        "Errors were encountered during the search, please verify the data.",
        "No such payment, or another merchant's, or the other mode's.",
        "Check the id and the key.";
    CUSTOMER_MISSING: 404 "Customers not found",
        "Errors were encountered during the search, please verify the data.",
        "No such customer, or another merchant's, or the other mode's.",
        "Check the id and the key.";
    REFUND_MISSING: 404 "Refunds not found",
        "Errors were encountered during the search, please verify the data.",
        "No such refund, or another merchant's, or the other mode's.",
        "Check the id and the key.";
    SESSION_MISSING: 404 "Sessions not found",
        "Errors were encountered during the search, please verify the data.",
        "No such session.",
        "Check the id.";
    ROUTE_UNKNOWN: 404 "Page not found",
        "This API has no such path.",
        "No such path.",
        "See this reference for the paths.";
    METHOD_NOT_ALLOWED: 405 "Method not allowed" as texts;
    REPEATED: 409 "Duplicate payment request",
        "A request with this Idempotency-Key was taken before. Nothing more was done.",
        "The same request was accepted before with this Idempotency-Key. Nothing more was done; `data` is what it created.",
        "Go on with `data`.";
    IDEMPOTENCY_KEY_REUSED: 409 "Idempotency key reused",
        "This Idempotency-Key was used with another request. Nothing was done.",
        "Another request was accepted before with this Idempotency-Key. Nothing was done.",
        "Send each request with a key of its own.";
    RATE_LIMITED: 429 "Too many requests",
        "Try again in {seconds} seconds.",
        "Too many requests this minute.",
        "Wait as many seconds as `Retry-After` says.";
    INTERNAL: 500 "Server error" as texts;
    UNAVAILABLE: 503 "Service unavailable" as texts;
}

/// An error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    shape: Shape,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Shape {
    Problem(Box<Problem>),
    Unauthorized(Unauthorized),
    Declined { error: Declined },
}

/// An error of any status other than 401 and 402.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// HTTP status of the response.
    code: u16,
    /// Short description of the error.
    title: &'static str,
    /// What is wrong, and with which field.
    content: String,
    /// Always `danger`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Present with 409: what the first request created. For a payment or a session, its id and the
    /// URL of its checkout page; for a refund or a customer, the body of the first response.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "created")]
    data: Option<Value>,
}

fn created(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [
        generator.subschema_for::<Started>(),
        generator.subschema_for::<Refund>(),
        generator.subschema_for::<ChargeRefund>(),
        generator.subschema_for::<Customer>(),
    ] })
}

/// The credentials are missing or invalid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unauthorized {
    /// Description of the error.
    detail: &'static str,
}

/// The card was declined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Declined {
    /// HTTP status of the response.
    code: u16,
    /// Always `payment_failed`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Message to show to the payer.
    message: &'static str,
    /// Reason for the decline: `card_declined`, `insufficient_funds`, `expired_card` or
    /// `processing_error`.
    decline_reason: &'static str,
}

impl SurfaceError for Error {
    fn new(row: &Row, message: String, _: Option<&str>) -> Self {
        let shape = match row.status {
            401 => Shape::Unauthorized(Unauthorized { detail: row.code }),
            _ => Shape::Problem(Box::new(Problem {
                code: row.status,
                title: row.code,
                content: message,
                kind: "danger",
                data: None,
            })),
        };
        Self {
            status: row.status,
            shape,
        }
    }

    fn status(&self) -> u16 {
        self.status
    }

    fn body(&self) -> String {
        crate::json(&self.shape)
    }
}

impl Error {
    /// 400; `why` is the message.
    pub fn invalid(why: &str) -> Self {
        Self::with(&INVALID, &[("why", why)])
    }

    /// 402: the card was declined.
    pub const fn declined(failure: Failure) -> Self {
        let error = Declined {
            code: 402,
            kind: "payment_failed",
            message: "Card declined. Please try another payment method.",
            decline_reason: failure.name(),
        };
        Self {
            status: 402,
            shape: Shape::Declined { error },
        }
    }

    /// 409: the same request was accepted before with this Idempotency-Key. `first` is the body of
    /// the first response; what it created is returned in `data`, so that the client can continue.
    pub fn repeated(first: &str) -> Self {
        let mut error = Self::of(&REPEATED);
        if let Shape::Problem(problem) = &mut error.shape {
            problem.data = match Started::answered(first) {
                Some(started) => Some(json!(started)),
                None => serde_json::from_str(first).ok(),
            };
        }
        error
    }

    /// 429: too many requests in this minute.
    pub fn rate_limited(seconds: i64) -> Self {
        Self::with(&RATE_LIMITED, &[("seconds", &seconds.to_string())])
    }
}

impl From<FieldError> for Error {
    fn from(FieldError { param, why }: FieldError) -> Self {
        Self::invalid(&match why {
            Why::Invalid(why) if param.is_empty() => format!("The body {why}."),
            Why::Unknown => format!("The {param} field is not known."),
            why @ Why::UnknownParameter(_) => format!("{param} {why}."),
            Why::CardNumber => format!("The {param} field {why}. Nothing was stored."),
            why => format!("The {param} field {why}."),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Body;
    use crate::fourgeeks::response::Created;

    #[test]
    fn what_the_document_prints_is_answered() {
        let printed = [
            (
                Error::of(&KEY_INVALID),
                401,
                r#"{"detail":"Invalid API key format."}"#,
            ),
            (
                Error::declined(Failure::InsufficientFunds),
                402,
                r#"{"error":{"code":402,"type":"payment_failed","message":"Card declined. Please try another payment method.","decline_reason":"insufficient_funds"}}"#,
            ),
            (
                Error::of(&PAYMENT_MISSING),
                404,
                r#"{"code":404,"title":"Payments not found","content":"Errors were encountered during the search, please verify the data.","type":"danger"}"#,
            ),
            (
                FieldError::new("amount", Why::Missing).into(),
                400,
                r#"{"code":400,"title":"Invalid request","content":"The amount field is required.","type":"danger"}"#,
            ),
        ];
        for (error, status, body) in printed {
            assert_eq!((error.status, error.body().as_str()), (status, body));
        }
    }

    #[test]
    fn a_repeated_key_is_answered_with_what_it_made() {
        let started = Started {
            id_payment: "pay_1".to_owned(),
            redirect: "https://example.com/checkout/?data=e30=".to_owned(),
        };
        let refund = r#"{"id":"ref_1","object":"refund"}"#;
        for (answered, data) in [
            (Created::of(started.clone()).body(), crate::json(&started)),
            (refund.to_owned(), refund.to_owned()),
        ] {
            let error = Error::repeated(&answered);
            let body = format!(
                r#"{{"code":409,"title":"Duplicate payment request","content":"A request with this Idempotency-Key was taken before. Nothing more was done.","type":"danger","data":{data}}}"#
            );
            assert_eq!((error.status, error.body()), (409, body));
        }
        assert!(!Error::of(&IDEMPOTENCY_KEY_REUSED).body().contains("data"));
    }
}
