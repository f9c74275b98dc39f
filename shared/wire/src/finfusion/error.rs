//! Errors: `{"error": {"type", "code", "message", "details"?, "param"?}}`.

use domain::card::CardError;
use domain::endpoint::UrlError;
use domain::id::PaymentId;
use domain::payment::{Failure, Payment};
use schemars::JsonSchema;
use serde::Serialize;

use crate::fields::FieldError;

/// The broad kind of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ErrorType")]
pub enum Type {
    /// The caller is not known, or may not: 401, 403.
    AuthenticationError,
    /// The request is wrong: 400, 404, 405, 409.
    ValidationError,
    /// The payment failed: 402.
    PaymentError,
    /// Too many requests: 429.
    RateLimitError,
    /// The service failed: 500, 503.
    #[serde(rename = "APIError")]
    ApiError,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    /// The broad kind.
    pub kind: Type,
    /// What programs compare.
    pub code: &'static str,
    /// What people read.
    pub message: String,
    /// Which field or parameter of the request is to blame.
    pub param: Option<String>,
    /// Which payment failed, and why.
    pub failed: Option<(PaymentId, Option<Failure>)>,
}

/// What every request that is turned away is answered, and a payment that failed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ErrorBody")]
pub struct Body<'a> {
    error: Told<'a>,
}

/// What went wrong.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Error")]
struct Told<'a> {
    /// The broad kind.
    #[serde(rename = "type")]
    kind: Type,
    /// What programs compare.
    code: &'static str,
    /// What people read; it may be worded anew.
    message: &'a str,
    /// More about it, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
    /// Which field or parameter is to blame, `amount.value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
    /// Why a payment failed: `card_declined`, `insufficient_funds`, `expired_card`,
    /// `processing_error` or `payment_expired`.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<&'static str>,
    /// Which payment failed, `pay_…`. It can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<String>,
}

/// More about an error.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ErrorDetails")]
struct Details<'a> {
    /// Which field or parameter is to blame.
    param: &'a str,
}

impl Error {
    /// The body.
    #[must_use]
    pub fn body(&self) -> String {
        let param = self.param.as_deref();
        let failure = self.failed.and_then(|(_, failure)| failure);
        crate::json(&Body {
            error: Told {
                kind: self.kind,
                code: self.code,
                message: &self.message,
                details: param.map(|param| Details { param }),
                param,
                decline_code: failure.map(Failure::name),
                payment_id: self.failed.map(|(id, _)| id.to_string()),
            },
        })
    }

    fn new(status: u16, kind: Type, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            code,
            message: message.into(),
            param: None,
            failed: None,
        }
    }

    /// A field of the body is wrong.
    fn field(param: &str, message: impl Into<String>) -> Self {
        Self {
            param: Some(param.to_owned()),
            ..Self::new(400, Type::ValidationError, "VAL001", message)
        }
    }

    /// A parameter of the query or a header is wrong.
    #[must_use]
    pub fn parameter(wrong: FieldError) -> Self {
        Self::outside_the_body(wrong.into())
    }

    fn outside_the_body(self) -> Self {
        Self {
            code: "VAL002",
            ..self
        }
    }

    /// A body that is not read, for the reason said in `message`.
    #[must_use]
    pub fn body_unreadable(message: &str) -> Self {
        Self::new(400, Type::ValidationError, "VAL001", message)
    }

    /// No key was sent.
    #[must_use]
    pub fn key_missing() -> Self {
        let message = "No API key was sent. Send it as: Authorization: Bearer YOUR_API_KEY";
        Self::new(401, Type::AuthenticationError, "AUTH001", message)
    }

    /// The key is not known.
    #[must_use]
    pub fn key_invalid() -> Self {
        Self::new(401, Type::AuthenticationError, "AUTH001", "Invalid API key")
    }

    /// The access token is past its time.
    #[must_use]
    pub fn token_expired() -> Self {
        Self::new(401, Type::AuthenticationError, "AUTH002", "Expired token")
    }

    /// The client credentials are not known.
    #[must_use]
    pub fn client_invalid() -> Self {
        let message = "Unknown client_id, or not its client_secret";
        Self::new(401, Type::AuthenticationError, "AUTH001", message)
    }

    /// A token is asked for something that does not exist.
    #[must_use]
    pub fn scope_invalid() -> Self {
        let message = "Invalid scope. There are payments and accounts.";
        Self::new(401, Type::AuthenticationError, "AUTH003", message)
    }

    /// A token that was asked for something else.
    #[must_use]
    pub fn scope_missing() -> Self {
        let message = "Invalid scope: the token was not asked for payments.";
        Self::new(403, Type::AuthenticationError, "AUTH003", message)
    }

    /// A live key, and nobody to take real money.
    #[must_use]
    pub fn live_unavailable() -> Self {
        let message = "Live payments are not available: this gateway has no live acquirer. \
                       Nothing was stored. Use a test key (sk_test_…).";
        Self::new(403, Type::AuthenticationError, "AUTH003", message)
    }

    /// The payment failed.
    #[must_use]
    pub fn payment_failed(payment: &Payment) -> Self {
        Self {
            failed: Some((payment.id, payment.failure)),
            ..Self::new(402, Type::PaymentError, "PAY001", "Payment failed")
        }
    }

    /// The payment took no money that could be given back.
    #[must_use]
    pub fn not_refundable() -> Self {
        let message = "Only a payment that succeeded can be refunded";
        Self::new(400, Type::ValidationError, "VAL002", message)
    }

    /// All of the payment that is left is asked for, and nothing is left.
    #[must_use]
    pub fn nothing_left() -> Self {
        let message = "Nothing is left of the payment, or another refund is just taking it";
        Self::new(400, Type::ValidationError, "VAL002", message)
    }

    /// More than is left of the payment.
    #[must_use]
    pub fn refund_too_large() -> Self {
        let message = "Refunds may not add up to more than the payment's amount";
        Self::field("amount", message)
    }

    /// The payment is in another currency.
    #[must_use]
    pub fn currency_differs() -> Self {
        let message = "amount.currency must be the payment's";
        Self::field("amount.currency", message)
    }

    /// The idempotency key was used with another request.
    #[must_use]
    pub fn key_reused() -> Self {
        let message = "This Idempotency-Key was used with another request. Nothing was done.";
        Self {
            status: 409,
            ..Self::field("Idempotency-Key", message).outside_the_body()
        }
    }

    /// The idempotency key is not one.
    #[must_use]
    pub fn key_malformed() -> Self {
        let message =
            "Idempotency-Key must have 1 to 255 printable ASCII characters and no card number.";
        Self::field("Idempotency-Key", message).outside_the_body()
    }

    /// No such object, or not the caller's.
    #[must_use]
    pub fn missing(what: &str) -> Self {
        let message = format!("Resource not found: no such {what}");
        Self::new(404, Type::ValidationError, "VAL003", message)
    }

    /// No such path.
    #[must_use]
    pub fn route_unknown() -> Self {
        Self::new(404, Type::ValidationError, "VAL003", "Resource not found")
    }

    /// The path has other methods.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(
            405,
            Type::ValidationError,
            "VAL001",
            "This path does not know this method.",
        )
    }

    /// Too many requests this minute.
    #[must_use]
    pub fn rate_limited(retry_after_seconds: i64) -> Self {
        let message = format!("Rate limit exceeded. Try again in {retry_after_seconds} seconds.");
        Self::new(429, Type::RateLimitError, "RATE001", message)
    }

    /// The URL of an endpoint may not be posted to.
    #[must_use]
    pub fn url_not_allowed(why: UrlError) -> Self {
        Self::field("url", why.to_string())
    }

    /// The merchant has as many endpoints as it may.
    #[must_use]
    pub fn too_many_endpoints() -> Self {
        let message = "This account has as many webhook endpoints as it may have.";
        Self::new(400, Type::ValidationError, "VAL002", message)
    }

    /// Ours; the request id is in the answer's headers.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(500, Type::ApiError, "API001", "Internal server error")
    }

    /// A store is away; nothing is known to be done.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(
            503,
            Type::ApiError,
            "API002",
            "Service unavailable. Try again shortly.",
        )
    }
}

/// What is wrong with a field of the body.
impl From<FieldError> for Error {
    fn from(wrong: FieldError) -> Self {
        let (param, message) = match wrong {
            FieldError::Invalid { param, why } if param.is_empty() => {
                return Self::body_unreadable(&format!("The body {why}"));
            }
            FieldError::Missing { param } => (param, "is required".to_owned()),
            FieldError::Invalid { param, why } => (param, why),
            FieldError::Unknown { param } => (param, "is not a field of this request".to_owned()),
            FieldError::CardNumber { param } => {
                (param, "holds what looks like a card number".to_owned())
            }
            FieldError::Address { param } => (param, "must be an e-mail address".to_owned()),
            FieldError::Card { param, why } => return Self::field(&param, card(why)),
        };
        Self::field(&param, format!("{param} {message}"))
    }
}

/// The message for a card that cannot be one.
const fn card(why: CardError) -> &'static str {
    match why {
        CardError::Length | CardError::NotDigits => "The card number must have 12 to 19 digits.",
        CardError::Luhn => "The card number is incorrect.",
        CardError::Month => "The expiry month must be 1 to 12.",
        CardError::Year => "The expiry year must have four digits.",
        CardError::Cvc => "The security code must have 3 digits, 4 for American Express.",
    }
}

#[cfg(test)]
mod tests;
