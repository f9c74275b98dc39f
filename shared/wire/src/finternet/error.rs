//! Error responses: `{"error": {"code", "message", "type", "param"?, "retryAfter"?}}`.

use domain::card::{self, CardError};
use domain::endpoint::UrlError;
use domain::intent::State;
use domain::payment::Failure;
use schemars::JsonSchema;
use serde::Serialize;

use super::status;
use crate::error::{Row, SurfaceError, rows};
use crate::fields::{FieldError, Why};

/// Maximum length of an id that an error message repeats, in characters.
const ID_MAX: usize = 64;

rows! {
    INVALID: 400 "invalid_request",
        "{why}",
        "The body cannot be read, or a field or parameter is missing, wrong or unknown.",
        "Correct what `param` names.";
    ON_CHAIN_UNAVAILABLE: 400 "invalid_request",
        "On-chain payments are not available on this gateway. Pay this payment intent by card.",
        "What only an on-chain payment needs.",
        "Pay the payment intent by card.";
    NOT_CHARGEABLE: 400 "invalid_request",
        "This payment intent cannot be paid by card: a card is charged in US dollars, and the amount has a fraction of a cent.",
        "A card payment of an amount with a fraction of a cent.",
        "Create payment intents in whole cents.";
    ENDPOINT_LIMIT_REACHED: 400 "invalid_request" as texts;
    ENDPOINT_DISABLED: 400 "invalid_request" as texts;
    HEADER_INVALID: 400 "invalid_request" as texts;
    IDEMPOTENCY_KEY_INVALID: 400 "invalid_request" as texts;
    CARD_INVALID: 400 "invalid_card" as texts;
    PAYMENT_FAILED: 400 "payment_failed",
        "{why}",
        "The card was not charged.",
        "Ask the payer for another card.";
    TOO_MANY_CARDS: 400 "payment_failed",
        "Five cards were tried for this payment intent. It takes no more.",
        "The payment intent was declined five times.",
        "Create another payment intent.";
    NOT_CANCELABLE: 400 "invalid_state_transition",
        "Cannot cancel payment intent in status: {status}",
        "The payment intent is paid, being paid, or canceled.",
        "Read the payment intent.";
    NOT_PAYABLE: 400 "invalid_state_transition",
        "Cannot transition from {status} to PROCESSING",
        "The payment intent to pay is paid, being paid, or canceled.",
        "Read the payment intent; create a new one to be paid again.";
    NOT_REFUNDABLE: 400 "invalid_state_transition",
        "Cannot refund payment intent in status: {status}",
        "The payment intent is not paid.",
        "Refund payment intents that are paid.";
    REFUND_TOO_LARGE: 400 "invalid_request" as texts;
    IDEMPOTENCY_KEY_REUSED: 400 "idempotency_key_reused" as texts;
    KEY_MISSING: 401 "authentication_required",
        "API key is required",
        "No key was sent.",
        "Send `X-API-Key: YOUR_API_KEY`.";
    KEY_INVALID: 401 "invalid_api_key" as texts;
    FORBIDDEN: 403 "forbidden",
        "You do not have access to this payment intent",
        "Another merchant's payment intent.",
        "Use the key of the payment intent's merchant.";
    ACCOUNT_DISABLED: 403 "forbidden" as texts;
    SCOPE_MISSING: 403 "forbidden",
        "The access token lacks the scope payments",
        "An access token without the scope `payments`.",
        "Ask for a token with the scope `payments`.";
    LIVE_UNAVAILABLE: 403 "forbidden" as texts;
    INTENT_MISSING: 404 "resource_missing",
        "Payment intent not found: {id}",
        "No such payment intent.",
        "Check the id and the key.";
    ENDPOINT_MISSING: 404 "resource_missing",
        "Webhook endpoint not found: {id}",
        "No such webhook endpoint.",
        "Check the id and the key.";
    ATTEMPT_MISSING: 404 "resource_missing",
        "Webhook attempt not found: {id}",
        "No such attempt of the webhook endpoint.",
        "Check the ids and the key.";
    EVENT_MISSING: 404 "resource_missing",
        "Event not found: {id}",
        "No such event was sent to the webhook endpoint.",
        "Check the ids and the key.";
    ESCROW_MISSING: 404 "resource_missing",
        "Escrow order not found for payment intent: {id}. On-chain payments are not available on this gateway.",
        "The payment intent has no escrow.",
        "Pay the payment intent by card.";
    ROUTE_UNKNOWN: 404 "resource_missing",
        "Unknown path. See /docs for the paths of this API.",
        "No such path.",
        "Check the path.";
    METHOD_NOT_ALLOWED: 405 "invalid_request" as texts;
    RATE_LIMITED: 429 "rate_limit_exceeded",
        "Rate limit exceeded. Retry after {seconds} seconds.",
        "Too many requests this minute, or too many cards tried on the public route.",
        "Wait as many seconds as `retryAfter` says.";
    INTERNAL: 500 "internal_error" as texts;
    UNAVAILABLE: 503 "service_unavailable" as texts;
}

/// Category of the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// The request is invalid: 400, 404, 405.
    InvalidRequestError,
    /// The credentials are missing, invalid or not permitted to do this: 401, 403.
    AuthenticationError,
    /// Too many requests: 429.
    RateLimitError,
    /// The gateway failed: 500, 503.
    ApiError,
}

impl Type {
    const fn of(status: u16) -> Self {
        match status {
            401 | 403 => Type::AuthenticationError,
            429 => Type::RateLimitError,
            500.. => Type::ApiError,
            _ => Type::InvalidRequestError,
        }
    }
}

/// An error of this API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Error {
    /// The HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// Machine-readable error code.
    pub code: &'static str,
    /// Human-readable message, which may change.
    pub message: String,
    /// Category of the error.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Parameter that caused the error, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// Seconds until requests are accepted again. Present with status 429.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<i64>,
}

/// Body of every error response.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ErrorBody")]
pub struct Body<'a> {
    error: &'a Error,
}

impl SurfaceError for Error {
    fn new(row: &Row, message: String, param: Option<&str>) -> Self {
        Self {
            status: row.status,
            code: row.code,
            message,
            kind: Type::of(row.status),
            param: param.map(str::to_owned),
            retry_after: None,
        }
    }

    fn status(&self) -> u16 {
        self.status
    }

    fn body(&self) -> String {
        crate::json(&Body { error: self })
    }
}

impl Error {
    /// A parameter is invalid; `why` is the message.
    pub fn invalid(param: &str, why: impl Into<String>) -> Self {
        Self::with(&INVALID, &[("param", param), ("why", &why.into())])
    }

    /// The body cannot be read.
    pub fn body_invalid(why: &str) -> Self {
        Self::with(&INVALID, &[("why", why)])
    }

    /// No object has this id, which is the text that the client sent.
    pub fn missing(row: &Row, id: &str) -> Self {
        Self::with(row, &[("id", repeated(id))])
    }

    /// The intent's status does not allow the request.
    pub fn not_now(row: &Row, state: State) -> Self {
        Self::with(row, &[("status", status(state))])
    }

    /// The card was not charged.
    pub fn payment_failed(failure: Failure) -> Self {
        let why = match failure {
            Failure::CardDeclined => "Your card was declined.",
            Failure::InsufficientFunds => "Your card has insufficient funds.",
            Failure::ExpiredCard => "Your card has expired.",
            Failure::ProcessingError => "The payment could not be processed. Nothing was charged.",
            Failure::PaymentExpired => "The payment was not made in time. Nothing was charged.",
        };
        Self::with(&PAYMENT_FAILED, &[("param", "card"), ("why", why)])
    }

    /// The Idempotency-Key is malformed.
    pub fn key_malformed() -> Self {
        Self::with(&IDEMPOTENCY_KEY_INVALID, &[("param", "Idempotency-Key")])
    }

    /// Too many requests in this minute; `seconds` remain until the next.
    pub fn rate_limited(seconds: i64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::with(&RATE_LIMITED, &[("seconds", &seconds.to_string())])
        }
    }

    /// The URL of a webhook endpoint is not allowed.
    pub fn url_not_allowed(why: UrlError) -> Self {
        Self::invalid("url", why.to_string())
    }
}

/// Returns the id that the client sent, or `…` if it cannot be an id: it may be anything, such as a
/// card number, and must not be repeated.
fn repeated(id: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let may_be_id = (1..=ID_MAX).contains(&id.len()) && id.bytes().all(is_plain);
    if may_be_id && !card::contains_card_number(id) {
        id
    } else {
        "…"
    }
}

impl From<FieldError> for Error {
    fn from(FieldError { param, why }: FieldError) -> Self {
        let message = match why {
            Why::Invalid(why) if param.is_empty() => {
                return Self::body_invalid(&format!("The body {why}"));
            }
            Why::Card(why) => {
                let values = [("param", param.as_str()), ("why", about_card(why))];
                return Self::with(&CARD_INVALID, &values);
            }
            Why::Unknown => format!("{param} is not a parameter of this request"),
            Why::CardNumber => format!(
                "{param} {why}. Card numbers belong in card.cardNumber only; nothing was stored."
            ),
            why => format!("{param} {why}"),
        };
        Self::invalid(&param, message)
    }
}

/// The message for an invalid card, written for the payer.
const fn about_card(why: CardError) -> &'static str {
    match why {
        CardError::Length | CardError::NotDigits | CardError::Incorrect => {
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

    /// The errors in the contract, byte for byte.
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
                Error::of(&KEY_MISSING),
                401,
                r#"{"error":{"code":"authentication_required","message":"API key is required","type":"authentication_error"}}"#,
            ),
            (
                Error::of(&KEY_INVALID),
                401,
                r#"{"error":{"code":"invalid_api_key","message":"Invalid API key","type":"authentication_error"}}"#,
            ),
            (
                Error::of(&FORBIDDEN),
                403,
                r#"{"error":{"code":"forbidden","message":"You do not have access to this payment intent","type":"authentication_error"}}"#,
            ),
            (
                Error::missing(&INTENT_MISSING, id),
                404,
                r#"{"error":{"code":"resource_missing","message":"Payment intent not found: intent_2xYz9AbC123","type":"invalid_request_error"}}"#,
            ),
            (
                Error::not_now(&NOT_PAYABLE, State::Succeeded),
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
            let message = Error::missing(&INTENT_MISSING, &id).message;
            let plain = message.chars().all(|c| c.is_ascii_graphic() || c == ' ' || c == '…');
            prop_assert!(plain && message.len() < 100);
        }

        #[test]
        fn no_error_repeats_a_card_number(gap in "[ -]?") {
            let card = ["4242", "4242", "4242", "4242"].join(&gap);
            let error = Error::missing(&INTENT_MISSING, &format!("intent_{card}"));
            prop_assert!(!error.message.contains("4242"));
        }
    }
}
