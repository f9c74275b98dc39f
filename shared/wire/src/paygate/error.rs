//! Errors: `{"error": {"type", "code", "message", "param"?}}`.

use domain::card::CardError;
use domain::endpoint::UrlError;
use schemars::JsonSchema;
use serde::Serialize;

use crate::fields::FieldError;

/// The broad kind of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ErrorType")]
pub enum Type {
    /// The request is wrong: 400, 404, 409.
    InvalidRequestError,
    /// The caller is not known: 401.
    AuthenticationError,
    /// The caller may not: 403.
    PermissionError,
    /// Too many requests: 429.
    RateLimitError,
    /// The gateway failed: 500, 503.
    ApiError,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Error {
    /// The HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// The broad kind.
    #[serde(rename = "type")]
    pub kind: Type,
    /// What programs compare.
    pub code: &'static str,
    /// What people read; it may be worded anew.
    pub message: String,
    /// Which field or parameter is to blame, `card.number`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
}

/// What every request that is turned away is answered.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ErrorBody")]
pub struct Body<'a> {
    error: &'a Error,
}

impl Error {
    /// The body.
    #[must_use]
    pub fn body(&self) -> String {
        crate::json(&Body { error: self })
    }

    fn new(status: u16, kind: Type, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            code,
            message: message.into(),
            param: None,
        }
    }

    /// 400 with a code of its own, about one field.
    #[must_use]
    pub fn invalid(code: &'static str, param: &str, message: impl Into<String>) -> Self {
        let param = Some(param.to_owned());
        Self {
            param,
            ..Self::new(400, Type::InvalidRequestError, code, message)
        }
    }

    /// A body that is not JSON, or not read for another reason said in `message`.
    #[must_use]
    pub fn body_unreadable(message: &str) -> Self {
        Self::new(400, Type::InvalidRequestError, "body_invalid", message)
    }

    /// No key was sent.
    #[must_use]
    pub fn key_missing() -> Self {
        let message = "No API key was sent. Send it as: Authorization: Bearer YOUR_API_KEY";
        Self::new(401, Type::AuthenticationError, "missing_api_key", message)
    }

    /// The key is not known.
    #[must_use]
    pub fn key_invalid() -> Self {
        Self::new(
            401,
            Type::AuthenticationError,
            "invalid_api_key",
            "Invalid API key",
        )
    }

    /// The access token is past its time.
    #[must_use]
    pub fn token_expired() -> Self {
        let message = "The access token has expired. Get a new one at /v1/auth/token.";
        Self::new(401, Type::AuthenticationError, "token_expired", message)
    }

    /// The client credentials are not known.
    #[must_use]
    pub fn client_invalid() -> Self {
        let message = "Unknown client_id, or not its client_secret";
        Self::new(401, Type::AuthenticationError, "invalid_client", message)
    }

    /// A token that was asked for something else.
    #[must_use]
    pub fn scope_missing() -> Self {
        let message = "The access token was not asked for payments";
        Self::new(403, Type::PermissionError, "scope_missing", message)
    }

    /// A live key, and nobody to take real money.
    #[must_use]
    pub fn live_unavailable() -> Self {
        let message = "Live payments are not available: this gateway has no live acquirer. \
                       Nothing was stored. Use a test key (sk_test_…).";
        Self::new(403, Type::PermissionError, "live_mode_unavailable", message)
    }

    /// No such object, or not the caller's.
    #[must_use]
    pub fn missing(what: &str) -> Self {
        let message = format!("No such {what}");
        Self::new(404, Type::InvalidRequestError, "resource_missing", message)
    }

    /// The payment took no money that could be given back.
    #[must_use]
    pub fn not_refundable() -> Self {
        let message = "Only a payment that succeeded can be refunded";
        Self::new(
            400,
            Type::InvalidRequestError,
            "payment_not_refundable",
            message,
        )
    }

    /// More than is left of the payment, or nothing is left.
    #[must_use]
    pub fn refund_too_large() -> Self {
        let message = "Refunds may not add up to more than the payment's amount";
        Self::invalid("amount_too_large", "amount", message)
    }

    /// Another customer has this address.
    #[must_use]
    pub fn address_taken() -> Self {
        let message = "Another customer has this e-mail address";
        Self::invalid("email_taken", "email", message)
    }

    /// No such path.
    #[must_use]
    pub fn route_unknown() -> Self {
        let message = "Unknown path. See /docs for the paths of this API.";
        Self::new(404, Type::InvalidRequestError, "route_unknown", message)
    }

    /// The path has other methods.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let message = "This path does not know this method.";
        Self::new(
            405,
            Type::InvalidRequestError,
            "method_not_allowed",
            message,
        )
    }

    /// The idempotency key was used with another request.
    #[must_use]
    pub fn key_reused() -> Self {
        let message = "This Idempotency-Key was used with another request. Nothing was done.";
        Self::new(
            409,
            Type::InvalidRequestError,
            "idempotency_key_reused",
            message,
        )
    }

    /// The idempotency key is not one.
    #[must_use]
    pub fn key_malformed() -> Self {
        let message =
            "Idempotency-Key must have 1 to 255 printable ASCII characters and no card number.";
        Self::new(
            400,
            Type::InvalidRequestError,
            "idempotency_key_invalid",
            message,
        )
    }

    /// Too many requests this minute.
    #[must_use]
    pub fn rate_limited(retry_after_seconds: i64) -> Self {
        let message = format!("Too many requests. Try again in {retry_after_seconds} seconds.");
        Self::new(429, Type::RateLimitError, "rate_limit_exceeded", message)
    }

    /// The URL of an endpoint may not be posted to.
    #[must_use]
    pub fn url_not_allowed(why: UrlError) -> Self {
        Self::invalid("url_not_allowed", "url", why.to_string())
    }

    /// The merchant has as many endpoints as it may.
    #[must_use]
    pub fn too_many_endpoints() -> Self {
        let message = "This account has as many webhook endpoints as it may have.";
        Self::new(
            400,
            Type::InvalidRequestError,
            "endpoint_limit_reached",
            message,
        )
    }

    /// Ours; the request id is in the answer's headers.
    #[must_use]
    pub fn internal() -> Self {
        let message = "Something went wrong on our side. Send the request again, with the same \
                       Idempotency-Key if it had one.";
        Self::new(500, Type::ApiError, "internal_error", message)
    }

    /// A store is away; nothing is known to be done.
    #[must_use]
    pub fn unavailable() -> Self {
        let message = "Not available at the moment. Send the request again, with the same \
                       Idempotency-Key if it had one.";
        Self::new(503, Type::ApiError, "unavailable", message)
    }
}

impl From<FieldError> for Error {
    fn from(wrong: FieldError) -> Self {
        match wrong {
            FieldError::Missing { param } => {
                let message = format!("{param} is required");
                Self::invalid("parameter_missing", &param, message)
            }
            FieldError::Invalid { param, why } if param.is_empty() => {
                Self::body_unreadable(&format!("The body {why}"))
            }
            FieldError::Invalid { param, why } => {
                let message = format!("{param} {why}");
                Self::invalid("parameter_invalid", &param, message)
            }
            FieldError::Unknown { param } => {
                let message = format!("{param} is not a parameter of this request");
                Self::invalid("parameter_unknown", &param, message)
            }
            FieldError::CardNumber { param } => {
                let message = format!(
                    "{param} holds what looks like a card number. Card numbers belong in card.number only; nothing was stored."
                );
                Self::invalid("card_number_misplaced", &param, message)
            }
            FieldError::Address { param } => {
                let message = format!("{param} must be an e-mail address");
                Self::invalid("email_invalid", &param, message)
            }
            FieldError::Card { param, why } => {
                let (code, message) = card(why);
                Self::invalid(code, &param, message)
            }
        }
    }
}

/// The code and the message for a card that cannot be one.
const fn card(why: CardError) -> (&'static str, &'static str) {
    match why {
        CardError::Length | CardError::NotDigits => (
            "invalid_number",
            "The card number must have 12 to 19 digits.",
        ),
        CardError::Luhn => ("incorrect_number", "The card number is incorrect."),
        CardError::Month => ("invalid_expiry_month", "The expiry month must be 1 to 12."),
        CardError::Year => (
            "invalid_expiry_year",
            "The expiry year must have four digits.",
        ),
        CardError::Cvc => (
            "invalid_cvc",
            "The security code must have 3 digits, 4 for American Express.",
        ),
    }
}
