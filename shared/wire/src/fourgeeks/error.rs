//! Errors, in the three shapes that the document prints.

use domain::payment::Failure;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Value, json};

use super::response::{Begun, ChargeRefund, Customer, Refund};
use crate::fields::FieldError;

/// An error as the client reads it.
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

/// An error of any status but 401 and 402.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// The HTTP status again.
    code: u16,
    /// What is wrong, in short.
    title: String,
    /// What is wrong, and which field it is about.
    content: String,
    /// Always `danger`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// With 409: what the same request made when it came first. A payment or a session is named with
    /// the page to send the payer to; a refund or a customer is as it was answered then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "made")]
    data: Option<Value>,
}

fn made(words: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [
        words.subschema_for::<Begun>(),
        words.subschema_for::<Refund>(),
        words.subschema_for::<ChargeRefund>(),
        words.subschema_for::<Customer>(),
    ] })
}

/// The key is missing, or nobody was given it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unauthorized {
    /// Why.
    detail: &'static str,
}

/// The payer's card was declined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Declined {
    /// The HTTP status again.
    code: u16,
    /// Always `payment_failed`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What the payer may read.
    message: &'static str,
    /// Why: `card_declined`, `insufficient_funds`, `expired_card` or `processing_error`.
    decline_reason: &'static str,
}

impl Error {
    /// The body.
    #[must_use]
    pub fn body(&self) -> String {
        crate::json(&self.shape)
    }

    fn problem(code: u16, title: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            status: code,
            shape: Shape::Problem(Box::new(Problem {
                code,
                title: title.into(),
                content: content.into(),
                kind: "danger",
                data: None,
            })),
        }
    }

    /// 400, for the reason said in `content`.
    #[must_use]
    pub fn invalid(content: impl Into<String>) -> Self {
        Self::problem(400, "Invalid request", content)
    }

    /// 400: the Idempotency-Key is not one.
    #[must_use]
    pub fn key_malformed() -> Self {
        Self::invalid(
            "Idempotency-Key must have 1 to 255 printable ASCII characters and no card number.",
        )
    }

    /// 400: there is nothing to give back.
    #[must_use]
    pub fn not_refundable() -> Self {
        Self::invalid("Only a payment that is completed can be refunded.")
    }

    /// 400: more than what is left of the payment.
    #[must_use]
    pub fn refund_too_large() -> Self {
        Self::invalid("The amount field must be at most what is left of the payment.")
    }

    fn unauthorized(detail: &'static str) -> Self {
        Self {
            status: 401,
            shape: Shape::Unauthorized(Unauthorized { detail }),
        }
    }

    /// 401: no key was sent.
    #[must_use]
    pub fn key_missing() -> Self {
        Self::unauthorized("Authentication credentials were not provided.")
    }

    /// 401: what was sent is no key, or nobody's, or Basic without its colon.
    #[must_use]
    pub fn key_invalid() -> Self {
        Self::unauthorized("Invalid API key format.")
    }

    /// 402: the card was declined.
    #[must_use]
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

    /// 403: a token that was asked for something else.
    #[must_use]
    pub fn scope_missing() -> Self {
        let content = "The access token was not asked for payments.";
        Self::problem(403, "Not permitted", content)
    }

    /// 403: a live key, and nobody to take real money.
    #[must_use]
    pub fn live_unavailable() -> Self {
        let content =
            "This gateway has no live acquirer. Nothing was stored. Use a test key (sk_test_…).";
        Self::problem(403, "Live mode unavailable", content)
    }

    /// 404: none of these objects has this id, or it is not the caller's. `what` is their name in
    /// the plural with a capital, `Payments`.
    #[must_use]
    pub fn missing(what: &str) -> Self {
        let content = "Errors were encountered during the search, please verify the data.";
        Self::problem(404, format!("{what} not found"), content)
    }

    /// 404: no such path.
    #[must_use]
    pub fn route_unknown() -> Self {
        Self::problem(404, "Page not found", "This API has no such path.")
    }

    /// 405: the path has other methods.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::problem(
            405,
            "Method not allowed",
            "This path does not know this method.",
        )
    }

    /// 409: the same request was taken before with this Idempotency-Key. `answered` is the body that
    /// it was answered with; what that names goes into `data`, so that the client can go on.
    #[must_use]
    pub fn repeated(answered: &str) -> Self {
        let content =
            "A request with this Idempotency-Key was taken before. Nothing more was done.";
        let mut error = Self::problem(409, "Duplicate payment request", content);
        if let Shape::Problem(problem) = &mut error.shape {
            problem.data = match Begun::answered(answered) {
                Some(begun) => Some(json!(begun)),
                None => serde_json::from_str(answered).ok(),
            };
        }
        error
    }

    /// 409: the Idempotency-Key was used with another request.
    #[must_use]
    pub fn key_reused() -> Self {
        let content = "This Idempotency-Key was used with another request. Nothing was done.";
        Self::problem(409, "Idempotency key reused", content)
    }

    /// 429: too many requests this minute.
    #[must_use]
    pub fn rate_limited(retry_after_seconds: i64) -> Self {
        let content = format!("Try again in {retry_after_seconds} seconds.");
        Self::problem(429, "Too many requests", content)
    }

    /// 500: ours; the request id is in the answer's headers.
    #[must_use]
    pub fn internal() -> Self {
        let content = "Something went wrong on our side. Send the request again, with the same \
                       Idempotency-Key if it had one.";
        Self::problem(500, "Server error", content)
    }

    /// 503: a store is away; nothing is known to be done.
    #[must_use]
    pub fn unavailable() -> Self {
        let content = "Not available at the moment. Send the request again, with the same \
                       Idempotency-Key if it had one.";
        Self::problem(503, "Service unavailable", content)
    }
}

impl From<FieldError> for Error {
    fn from(wrong: FieldError) -> Self {
        Self::invalid(match wrong {
            FieldError::Missing { param } => format!("The {param} field is required."),
            FieldError::Invalid { param, why } if param.is_empty() => format!("The body {why}."),
            FieldError::Invalid { param, why } => format!("The {param} field {why}."),
            FieldError::Address { param } => {
                format!("The {param} field must be an e-mail address.")
            }
            FieldError::Card { param, why } => format!("The {param} field is wrong: {why}."),
            FieldError::Unknown { param } => format!("The {param} field is not known."),
            FieldError::CardNumber { param } => {
                format!(
                    "The {param} field holds what looks like a card number. Nothing was stored."
                )
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fourgeeks::response::Created;

    #[test]
    fn what_the_document_prints_is_answered() {
        let printed = [
            (
                Error::key_invalid(),
                401,
                r#"{"detail":"Invalid API key format."}"#,
            ),
            (
                Error::declined(Failure::InsufficientFunds),
                402,
                r#"{"error":{"code":402,"type":"payment_failed","message":"Card declined. Please try another payment method.","decline_reason":"insufficient_funds"}}"#,
            ),
            (
                Error::missing("Payments"),
                404,
                r#"{"code":404,"title":"Payments not found","content":"Errors were encountered during the search, please verify the data.","type":"danger"}"#,
            ),
            (
                FieldError::Missing {
                    param: "amount".to_owned(),
                }
                .into(),
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
        let begun = Begun {
            id_payment: "pay_1".to_owned(),
            redirect: "https://example.com/checkout/?data=e30=".to_owned(),
        };
        let refund = r#"{"id":"ref_1","object":"refund"}"#;
        for (answered, data) in [
            (Created::of(begun.clone()).body(), crate::json(&begun)),
            (refund.to_owned(), refund.to_owned()),
        ] {
            let error = Error::repeated(&answered);
            let body = format!(
                r#"{{"code":409,"title":"Duplicate payment request","content":"A request with this Idempotency-Key was taken before. Nothing more was done.","type":"danger","data":{data}}}"#
            );
            assert_eq!((error.status, error.body()), (409, body));
        }
        assert!(!Error::key_reused().body().contains("data"));
    }

    #[test]
    fn every_problem_says_its_status() {
        for error in [
            Error::invalid("x"),
            Error::live_unavailable(),
            Error::route_unknown(),
            Error::method_not_allowed(),
            Error::key_reused(),
            Error::rate_limited(7),
            Error::internal(),
            Error::unavailable(),
        ] {
            let start = format!(r#"{{"code":{},"title":""#, error.status);
            assert!(error.body().starts_with(&start), "{}", error.body());
            assert!(error.body().ends_with(r#","type":"danger"}"#));
        }
    }
}
