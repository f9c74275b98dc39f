//! Error responses: `{"error": {"type", "code", "message", "details"?, "param"?}}`.

use domain::card::CardError;
use domain::endpoint::UrlError;
use domain::id::PaymentId;
use domain::payment::{Failure, Payment};
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{AGAIN, FIELD, Row, SurfaceError, rows};
use crate::fields::{FieldError, Why};

rows! {
    BODY_INVALID: 400 "VAL001",
        "{why}",
        "The body cannot be read: no JSON object, a wrong content type, too large, too deep, too slow, or a field twice.",
        "Send proper JSON.";
    FIELD_INVALID: 400 "VAL001",
        "{param} {why}",
        "A field of the body is missing, wrong or unknown.",
        FIELD;
    CARD_INVALID: 400 "VAL001" as texts;
    REFUND_TOO_LARGE: 400 "VAL001" as texts;
    CURRENCY_DIFFERS: 400 "VAL001",
        "amount.currency must be the payment's",
        "A refund in another currency.",
        FIELD;
    URL_NOT_ALLOWED: 400 "VAL001" as texts;
    PARAMETER_INVALID: 400 "VAL002",
        "{param} {why}",
        "A parameter of the query is wrong.",
        "Correct the parameter that `param` names.";
    HEADER_INVALID: 400 "VAL001" as texts;
    IDEMPOTENCY_KEY_INVALID: 400 "VAL002" as texts;
    NOT_REFUNDABLE: 400 "VAL002",
        "Only a payment that succeeded can be refunded",
        "The payment did not succeed.",
        "Refund payments that succeeded.";
    NOTHING_LEFT: 400 "VAL002",
        "Nothing is left of the payment, or another refund is just taking it",
        "A refund of what is left, and nothing is left.",
        "Read the payment.";
    ENDPOINT_LIMIT_REACHED: 400 "VAL002" as texts;
    ENDPOINT_DISABLED: 400 "VAL002" as texts;
    KEY_MISSING: 401 "AUTH001" as texts;
    KEY_INVALID: 401 "AUTH001" as texts;
    CLIENT_INVALID: 401 "AUTH001" as texts;
    TOKEN_EXPIRED: 401 "AUTH002",
        "Expired token",
        "The access token is older than its `expires_in`.",
        "Get a new one at `/oauth/token`.";
    SCOPE_INVALID: 401 "AUTH003",
        "Invalid scope. There are payments and accounts.",
        "A token was requested with a scope that does not exist.",
        "Ask for `payments`, `accounts` or both.";
    PAYMENT_FAILED: 402 "PAY001",
        "Payment failed",
        "The payment failed; `decline_code` says why. It can be read.",
        "Ask the payer for another card.";
    ACCOUNT_DISABLED: 403 "AUTH003" as texts;
    SCOPE_MISSING: 403 "AUTH003",
        "Invalid scope: the token lacks the scope payments.",
        "An access token without the scope `payments`.",
        "Ask for a token with the scope `payments`.";
    LIVE_UNAVAILABLE: 403 "AUTH003" as texts;
    RESOURCE_MISSING: 404 "VAL003",
        "Resource not found: no such {what}",
        "No such object, or another merchant's, or the other mode's.",
        "Check the id and the key.";
    ROUTE_UNKNOWN: 404 "VAL003",
        "Resource not found",
        "No such path.",
        "See this reference for the paths.";
    METHOD_NOT_ALLOWED: 405 "VAL001" as texts;
    IDEMPOTENCY_KEY_REUSED: 409 "VAL002" as texts;
    RATE_LIMITED: 429 "RATE001",
        "Rate limit exceeded. Try again in {seconds} seconds.",
        "Too many requests this minute.",
        "Wait as many seconds as `Retry-After` says.";
    INTERNAL: 500 "API001",
        "Internal server error",
        "A defect of the gateway; it is logged under `X-Request-Id`.",
        AGAIN;
    UNAVAILABLE: 503 "API002",
        "Service unavailable. Try again shortly.",
        "A part of the gateway is unavailable.",
        AGAIN;
}

/// Category of the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ErrorType")]
pub enum Type {
    /// The credentials are missing, invalid or not permitted to do this: 401, 403.
    AuthenticationError,
    /// The request is invalid: 400, 404, 405, 409.
    ValidationError,
    /// The payment failed: 402.
    PaymentError,
    /// Too many requests: 429.
    RateLimitError,
    /// The gateway failed: 500, 503.
    #[serde(rename = "APIError")]
    ApiError,
}

impl Type {
    const fn of(status: u16) -> Self {
        match status {
            401 | 403 => Type::AuthenticationError,
            402 => Type::PaymentError,
            429 => Type::RateLimitError,
            500.. => Type::ApiError,
            _ => Type::ValidationError,
        }
    }
}

/// An error of this API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    /// Machine-readable error code.
    pub code: &'static str,
    /// Human-readable message, which may change.
    pub message: String,
    /// Field or parameter of the request that caused the error.
    pub param: Option<String>,
    /// The payment that failed, and why.
    pub failed: Option<(PaymentId, Option<Failure>)>,
}

/// Body of every error response, including failed payments.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ErrorBody")]
pub struct Body<'a> {
    error: Shown<'a>,
}

/// An error of this API.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Error")]
struct Shown<'a> {
    /// Category of the error.
    #[serde(rename = "type")]
    kind: Type,
    /// Machine-readable error code.
    code: &'static str,
    /// Human-readable message, which may change.
    message: &'a str,
    /// Additional details, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
    /// Field or parameter that caused the error, such as `amount.value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
    /// Reason for a failed payment: `card_declined`, `insufficient_funds`, `expired_card`,
    /// `processing_error` or `payment_expired`.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<&'static str>,
    /// Id of the failed payment, `pay_…`. It can be retrieved like any other payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<String>,
}

/// Additional details of an error.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ErrorDetails")]
struct Details<'a> {
    /// Field or parameter that caused the error.
    param: &'a str,
}

impl SurfaceError for Error {
    fn new(row: &Row, message: String, param: Option<&str>) -> Self {
        Self {
            status: row.status,
            code: row.code,
            message,
            param: param.map(str::to_owned),
            failed: None,
        }
    }

    fn status(&self) -> u16 {
        self.status
    }

    fn body(&self) -> String {
        let param = self.param.as_deref();
        let failure = self.failed.and_then(|(_, failure)| failure);
        crate::json(&Body {
            error: Shown {
                kind: Type::of(self.status),
                code: self.code,
                message: &self.message,
                details: param.map(|param| Details { param }),
                param,
                decline_code: failure.map(Failure::name),
                payment_id: self.failed.map(|(id, _)| id.to_string()),
            },
        })
    }
}

impl Error {
    /// A query parameter is invalid.
    pub fn parameter(error: FieldError) -> Self {
        Self::field(&PARAMETER_INVALID, error)
    }

    fn field(row: &Row, FieldError { param, why }: FieldError) -> Self {
        match why {
            Why::Invalid(why) if param.is_empty() => Self::body_invalid(&format!("The body {why}")),
            Why::Card(why) => Self::with(&CARD_INVALID, &[("param", &param), ("why", card(why))]),
            why => Self::with(row, &[("param", &param), ("why", &why.to_string())]),
        }
    }

    /// The body cannot be read.
    pub fn body_invalid(why: &str) -> Self {
        Self::with(&BODY_INVALID, &[("why", why)])
    }

    /// The object does not exist or belongs to another merchant.
    pub fn missing(what: &str) -> Self {
        Self::with(&RESOURCE_MISSING, &[("what", what)])
    }

    /// The payment failed.
    pub fn payment_failed(payment: &Payment) -> Self {
        Self {
            failed: Some((payment.id, payment.failure)),
            ..Self::of(&PAYMENT_FAILED)
        }
    }

    /// Too many requests in this minute; `seconds` remain until the next.
    pub fn rate_limited(seconds: i64) -> Self {
        Self::with(&RATE_LIMITED, &[("seconds", &seconds.to_string())])
    }

    /// The URL of a webhook endpoint is not allowed.
    pub fn url_not_allowed(why: UrlError) -> Self {
        let why = why.to_string();
        Self::with(&URL_NOT_ALLOWED, &[("param", "url"), ("why", &why)])
    }
}

/// Converts an error in a body field; [`Error::parameter`] converts one in the query.
impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::field(&FIELD_INVALID, error)
    }
}

/// The message for an invalid card.
const fn card(why: CardError) -> &'static str {
    match why {
        CardError::Length | CardError::NotDigits => "The card number must have 12 to 19 digits.",
        CardError::Incorrect => "The card number is incorrect.",
        CardError::Month => "The expiry month must be 1 to 12.",
        CardError::Year => "The expiry year must have four digits.",
        CardError::Cvc => "The security code must have 3 digits, 4 for American Express.",
    }
}

#[cfg(test)]
mod tests;
