//! Errors: `{"error": {"code", "message", "type", "param"?, "retryAfter"?}}`.

use domain::card::{self, CardError};
use domain::endpoint::UrlError;
use domain::intent::State;
use domain::payment::Failure;
use schemars::JsonSchema;
use serde::Serialize;

use super::status;
use crate::fields::FieldError;

/// Characters of an id that an error repeats.
const ID_MAX: usize = 64;

/// The broad kind of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// The request is wrong: 400, 404, 405.
    InvalidRequestError,
    /// The caller is not known, or may not: 401, 403.
    AuthenticationError,
    /// Too many requests: 429.
    RateLimitError,
    /// Ours: 500, 503.
    ApiError,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Error {
    /// The HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// What programs compare.
    pub code: &'static str,
    /// What people read.
    pub message: String,
    /// The broad kind.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Which parameter is wrong, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// Seconds until requests are taken again, where there were too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<i64>,
}

impl Error {
    /// The body.
    #[must_use]
    pub fn body(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            error: &'a Error,
        }
        crate::json(&Body { error: self })
    }

    fn new(status: u16, kind: Type, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            kind,
            param: None,
            retry_after: None,
        }
    }

    fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(400, Type::InvalidRequestError, code, message)
    }

    fn about(self, param: &str) -> Self {
        let param = Some(param.to_owned());
        Self { param, ..self }
    }

    fn missing(message: impl Into<String>) -> Self {
        Self::new(404, Type::InvalidRequestError, "resource_missing", message)
    }

    /// A parameter is wrong, for the reason said in `message`.
    #[must_use]
    pub fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self::refused("invalid_request", message).about(param)
    }

    /// A body that is not JSON, or not read for another reason said in `message`.
    #[must_use]
    pub fn body_unreadable(message: &str) -> Self {
        Self::refused("invalid_request", message)
    }

    /// No key was sent.
    #[must_use]
    pub fn key_missing() -> Self {
        let (kind, message) = (Type::AuthenticationError, "API key is required");
        Self::new(401, kind, "authentication_required", message)
    }

    /// The key is not known.
    #[must_use]
    pub fn key_invalid() -> Self {
        let (kind, message) = (Type::AuthenticationError, "Invalid API key");
        Self::new(401, kind, "invalid_api_key", message)
    }

    /// Another merchant's intent.
    #[must_use]
    pub fn forbidden() -> Self {
        let message = "You do not have access to this payment intent";
        Self::new(403, Type::AuthenticationError, "forbidden", message)
    }

    /// A token that was asked for something else.
    #[must_use]
    pub fn scope_missing() -> Self {
        let message = "The access token was not asked for payments";
        Self::new(403, Type::AuthenticationError, "forbidden", message)
    }

    /// A live key, and nobody to take real money.
    #[must_use]
    pub fn live_unavailable() -> Self {
        let message = "Live payments are not available: this gateway has no live acquirer. \
                       Nothing was stored. Use a test key (sk_test_…).";
        Self::new(403, Type::AuthenticationError, "forbidden", message)
    }

    /// No intent has this id, which is as the client wrote it.
    #[must_use]
    pub fn intent_missing(id: &str) -> Self {
        Self::missing(format!("Payment intent not found: {}", repeated(id)))
    }

    /// No webhook endpoint of the caller has this id, which is as the client wrote it.
    #[must_use]
    pub fn endpoint_missing(id: &str) -> Self {
        Self::missing(format!("Webhook endpoint not found: {}", repeated(id)))
    }

    /// An intent has no escrow.
    #[must_use]
    pub fn escrow_missing(id: &str) -> Self {
        let id = repeated(id);
        Self::missing(format!(
            "Escrow order not found for payment intent: {id}. \
             On-chain payments are not available on this gateway."
        ))
    }

    /// What only an on-chain payment needs.
    #[must_use]
    pub fn on_chain_unavailable() -> Self {
        let message = "On-chain payments are not available on this gateway. \
                       Pay this payment intent by card.";
        Self::refused("invalid_request", message)
    }

    /// No such path.
    #[must_use]
    pub fn route_unknown() -> Self {
        Self::missing("Unknown path. See /docs for the paths of this API.")
    }

    /// The path has other methods.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let message = "This path does not know this method.";
        Self::new(405, Type::InvalidRequestError, "invalid_request", message)
    }

    /// An intent that is not open cannot be canceled.
    #[must_use]
    pub fn not_cancelable(state: State) -> Self {
        let message = format!("Cannot cancel payment intent in status: {}", status(state));
        Self::refused("invalid_state_transition", message)
    }

    /// An intent that is not open cannot be paid.
    #[must_use]
    pub fn not_payable(state: State) -> Self {
        let message = format!("Cannot transition from {} to PROCESSING", status(state));
        Self::refused("invalid_state_transition", message)
    }

    /// The intent's amount is none that a card can be charged.
    #[must_use]
    pub fn not_chargeable() -> Self {
        let message = "This payment intent cannot be paid by card: a card is charged in US \
                       dollars, and the amount has a fraction of a cent.";
        Self::refused("invalid_request", message)
    }

    /// The card was not charged.
    #[must_use]
    pub fn payment_failed(failure: Failure) -> Self {
        let message = match failure {
            Failure::CardDeclined => "Your card was declined.",
            Failure::InsufficientFunds => "Your card has insufficient funds.",
            Failure::ExpiredCard => "Your card has expired.",
            Failure::ProcessingError => "The payment could not be processed. Nothing was charged.",
            Failure::PaymentExpired => "The payment was not made in time. Nothing was charged.",
        };
        Self::refused("payment_failed", message).about("card")
    }

    /// The idempotency key was used with another request.
    #[must_use]
    pub fn key_reused() -> Self {
        let message = "This Idempotency-Key was used with another request. Nothing was done.";
        Self::refused("idempotency_key_reused", message)
    }

    /// The idempotency key is not one.
    #[must_use]
    pub fn key_malformed() -> Self {
        let message =
            "Idempotency-Key must have 1 to 255 printable ASCII characters and no card number.";
        Self::invalid("Idempotency-Key", message)
    }

    /// Too many requests this minute.
    #[must_use]
    pub fn rate_limited(retry_after_seconds: i64) -> Self {
        let message = format!("Rate limit exceeded. Retry after {retry_after_seconds} seconds.");
        Self {
            retry_after: Some(retry_after_seconds),
            ..Self::new(429, Type::RateLimitError, "rate_limit_exceeded", message)
        }
    }

    /// The URL of an endpoint may not be posted to.
    #[must_use]
    pub fn url_not_allowed(why: UrlError) -> Self {
        Self::invalid("url", why.to_string())
    }

    /// The merchant has as many endpoints as it may.
    #[must_use]
    pub fn too_many_endpoints() -> Self {
        let message = "This account has as many webhook endpoints as it may have.";
        Self::refused("invalid_request", message)
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
        Self::new(503, Type::ApiError, "service_unavailable", message)
    }
}

/// An id as a client wrote it, unless it is none: it may be anything, a card number too.
fn repeated(id: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if (1..=ID_MAX).contains(&id.len())
        && id.bytes().all(is_plain)
        && !card::contains_card_number(id)
    {
        id
    } else {
        "…"
    }
}

impl From<FieldError> for Error {
    fn from(wrong: FieldError) -> Self {
        match wrong {
            FieldError::Missing { param } => Self::invalid(&param, format!("{param} is required")),
            FieldError::Invalid { param, why } if param.is_empty() => {
                Self::body_unreadable(&format!("The body {why}"))
            }
            FieldError::Invalid { param, why } => Self::invalid(&param, format!("{param} {why}")),
            FieldError::Address { param } => {
                Self::invalid(&param, format!("{param} must be an e-mail address"))
            }
            FieldError::Card { param, why } => {
                Self::refused("invalid_card", about_card(why)).about(&param)
            }
            FieldError::Unknown { param } => {
                let message = format!("{param} is not a parameter of this request");
                Self::invalid(&param, message)
            }
            FieldError::CardNumber { param } => {
                let message = format!(
                    "{param} holds what looks like a card number. Card numbers belong in \
                     card.cardNumber only; nothing was stored."
                );
                Self::invalid(&param, message)
            }
        }
    }
}

/// What the payer reads about a card that cannot be one.
const fn about_card(why: CardError) -> &'static str {
    match why {
        CardError::Length | CardError::NotDigits | CardError::Luhn => {
            "Your card number is invalid."
        }
        CardError::Month | CardError::Year => {
            "Your card's expiry date is invalid. It must be MM/YY."
        }
        CardError::Cvc => {
            "Your card's security code is invalid. It must have 3 digits, 4 for American Express."
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The errors that the contract prints, to the byte.
    #[test]
    fn the_documents_errors_are_written() {
        let id = "intent_2xYz9AbC123";
        for (error, status, body) in [
            (
                Error::invalid("amount", "The amount must be greater than 0"),
                400,
                r#"{"error":{"code":"invalid_request","message":"The amount must be greater than 0","type":"invalid_request_error","param":"amount"}}"#,
            ),
            (
                Error::key_missing(),
                401,
                r#"{"error":{"code":"authentication_required","message":"API key is required","type":"authentication_error"}}"#,
            ),
            (
                Error::key_invalid(),
                401,
                r#"{"error":{"code":"invalid_api_key","message":"Invalid API key","type":"authentication_error"}}"#,
            ),
            (
                Error::forbidden(),
                403,
                r#"{"error":{"code":"forbidden","message":"You do not have access to this payment intent","type":"authentication_error"}}"#,
            ),
            (
                Error::intent_missing(id),
                404,
                r#"{"error":{"code":"resource_missing","message":"Payment intent not found: intent_2xYz9AbC123","type":"invalid_request_error"}}"#,
            ),
            (
                Error::not_payable(State::Succeeded),
                400,
                r#"{"error":{"code":"invalid_state_transition","message":"Cannot transition from SUCCEEDED to PROCESSING","type":"invalid_request_error"}}"#,
            ),
            (
                Error::rate_limited(60),
                429,
                r#"{"error":{"code":"rate_limit_exceeded","message":"Rate limit exceeded. Retry after 60 seconds.","type":"rate_limit_error","retryAfter":60}}"#,
            ),
        ] {
            assert_eq!((error.status, error.body().as_str()), (status, body));
        }
    }

    #[test]
    fn every_failure_has_words_of_its_own() {
        let words = Failure::ALL.map(|failure| Error::payment_failed(failure).message);
        let different: std::collections::HashSet<_> = words.iter().collect();
        assert_eq!(different.len(), words.len());
    }

    proptest! {
        #[test]
        fn no_id_brings_anything_strange_into_an_error(id in "\\PC{0,80}") {
            let message = Error::intent_missing(&id).message;
            let plain = message.chars().all(|c| c.is_ascii_graphic() || c == ' ' || c == '…');
            prop_assert!(plain && message.len() < 100);
        }

        #[test]
        fn no_error_repeats_a_card_number(gap in "[ -]?") {
            let card = ["4242", "4242", "4242", "4242"].join(&gap);
            let error = Error::intent_missing(&format!("intent_{card}"));
            prop_assert!(!error.message.contains("4242"));
        }
    }
}
