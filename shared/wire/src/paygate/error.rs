//! Error responses: `{"error": {"type", "code", "message", "param"?}}`.

use domain::card::CardError;
use domain::endpoint::UrlError;
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{FIELD, Row, SurfaceError, rows};
use crate::fields::{FieldError, Why};

const CARD: &str = "Ask the payer to check the card's details.";

rows! {
    BODY_INVALID: 400 "body_invalid",
        "{why}",
        "The body is not a JSON object, its content type is not `application/json`, or it is too large, too deep, too slow, or names a field twice.",
        "Send proper JSON.";
    PARAMETER_MISSING: 400 "parameter_missing",
        "{param} is required",
        "A required field is missing.",
        FIELD;
    PARAMETER_INVALID: 400 "parameter_invalid",
        "{param} {why}",
        "A field or a query parameter has a wrong type or value.",
        FIELD;
    PARAMETER_UNKNOWN: 400 "parameter_unknown",
        "{param} {why}",
        "The request does not have this field or query parameter.",
        "Remove it.";
    CURRENCY_INVALID: 400 "currency_invalid",
        "currency must be a three-letter ISO 4217 code in upper case, such as USD",
        "Not an ISO 4217 code in upper case.",
        FIELD;
    AMOUNT_TOO_SMALL: 400 "amount_too_small",
        "Amount must be at least {least}",
        "Less than half a unit of the currency, or 50 of one without a smaller unit.",
        FIELD;
    AMOUNT_NOT_POSITIVE: 400 "amount_too_small",
        "Amount must be more than zero",
        "A refund of nothing.",
        FIELD;
    AMOUNT_TOO_LARGE: 400 "amount_too_large",
        "Amount must have at most 12 digits",
        "More than 12 digits.",
        FIELD;
    REFUND_TOO_LARGE: 400 "amount_too_large" as texts;
    PAYMENT_METHOD_UNSUPPORTED: 400 "payment_method_unsupported",
        "payment_method must be card",
        "Anything but `card`.",
        "Send `card`.";
    NUMBER_INVALID: 400 "invalid_number",
        "The card number must have 12 to 19 digits.",
        "The card number does not have 12 to 19 digits.",
        CARD;
    NUMBER_INCORRECT: 400 "incorrect_number",
        "The card number is incorrect.",
        "The card number's check digit is wrong, or no brand issues the number.",
        CARD;
    EXPIRY_MONTH_INVALID: 400 "invalid_expiry_month",
        "The expiry month must be 1 to 12.",
        "The month is not 1 to 12.",
        CARD;
    EXPIRY_YEAR_INVALID: 400 "invalid_expiry_year",
        "The expiry year must have four digits.",
        "The year is not 2000 to 2099.",
        CARD;
    CVC_INVALID: 400 "invalid_cvc",
        "The security code must have 3 digits, 4 for American Express.",
        "The security code does not have 3 digits, 4 for American Express.",
        CARD;
    EMAIL_INVALID: 400 "email_invalid",
        "{param} must be an e-mail address",
        "Not an e-mail address.",
        FIELD;
    EMAIL_TAKEN: 400 "email_taken",
        "Another customer has this e-mail address",
        "Another customer has this address.",
        "Change that customer, or use another address.";
    CARD_NUMBER_MISPLACED: 400 "card_number_misplaced",
        "{param} holds what looks like a card number. Card numbers belong in card.number only; nothing was stored.",
        "A card number in a field that is stored. Nothing was stored.",
        "Remove it; card numbers belong in `card.number` only.";
    PAYMENT_NOT_REFUNDABLE: 400 "payment_not_refundable",
        "Only a payment that succeeded can be refunded",
        "The payment did not succeed.",
        "Refund payments that succeeded.";
    HEADER_INVALID: 400 "header_invalid" as texts;
    IDEMPOTENCY_KEY_INVALID: 400 "idempotency_key_invalid" as texts;
    URL_NOT_ALLOWED: 400 "url_not_allowed" as texts;
    ENDPOINT_LIMIT_REACHED: 400 "endpoint_limit_reached" as texts;
    ENDPOINT_DISABLED: 400 "endpoint_disabled" as texts;
    KEY_MISSING: 401 "missing_api_key" as texts;
    KEY_INVALID: 401 "invalid_api_key" as texts;
    TOKEN_EXPIRED: 401 "token_expired",
        "The access token has expired. Get a new one at /v1/auth/token.",
        "The access token is older than its `expires_in`.",
        "Get a new one at `/v1/auth/token`.";
    CLIENT_INVALID: 401 "invalid_client" as texts;
    ACCOUNT_DISABLED: 403 "account_disabled" as texts;
    SCOPE_MISSING: 403 "scope_missing",
        "The access token lacks the scope payments",
        "An access token without the scope `payments`.",
        "Ask for a token with the scope `payments`, or without one.";
    LIVE_UNAVAILABLE: 403 "live_mode_unavailable" as texts;
    RESOURCE_MISSING: 404 "resource_missing",
        "No such {what}",
        "No such object, or another merchant's, or the other mode's.",
        "Check the id and the key.";
    ROUTE_UNKNOWN: 404 "route_unknown",
        "Unknown path. See /docs for the paths of this API.",
        "No such path.",
        "See this reference for the paths.";
    METHOD_NOT_ALLOWED: 405 "method_not_allowed" as texts;
    IDEMPOTENCY_KEY_REUSED: 409 "idempotency_key_reused" as texts;
    RATE_LIMITED: 429 "rate_limit_exceeded",
        "Too many requests. Try again in {seconds} seconds.",
        "Too many requests this minute.",
        "Wait as many seconds as `Retry-After` says.";
    INTERNAL: 500 "internal_error" as texts;
    UNAVAILABLE: 503 "unavailable" as texts;
}

/// Category of the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ErrorType")]
pub enum Type {
    /// The request is invalid: 400, 404, 405, 409.
    InvalidRequestError,
    /// The credentials are missing or invalid: 401.
    AuthenticationError,
    /// The credentials are not permitted to do this: 403.
    PermissionError,
    /// Too many requests: 429.
    RateLimitError,
    /// The gateway failed: 500, 503.
    ApiError,
}

impl Type {
    const fn of(status: u16) -> Self {
        match status {
            401 => Type::AuthenticationError,
            403 => Type::PermissionError,
            429 => Type::RateLimitError,
            500.. => Type::ApiError,
            _ => Type::InvalidRequestError,
        }
    }
}

/// An error of this API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Error {
    /// The HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// Category of the error.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Machine-readable error code.
    pub code: &'static str,
    /// Human-readable message, which may change.
    pub message: String,
    /// Field or parameter that caused the error, such as `card.number`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
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
            kind: Type::of(row.status),
            code: row.code,
            message,
            param: param.map(str::to_owned),
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
    /// The body cannot be read.
    pub fn body_invalid(why: &str) -> Self {
        Self::with(&BODY_INVALID, &[("why", why)])
    }

    /// The object does not exist or belongs to another merchant.
    pub fn missing(what: &str) -> Self {
        Self::with(&RESOURCE_MISSING, &[("what", what)])
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

impl From<FieldError> for Error {
    fn from(FieldError { param, why }: FieldError) -> Self {
        let row = match why {
            Why::Invalid(why) if param.is_empty() => {
                return Self::body_invalid(&format!("The body {why}"));
            }
            Why::Invalid(why) => {
                return Self::with(&PARAMETER_INVALID, &[("param", &param), ("why", &why)]);
            }
            Why::Missing => &PARAMETER_MISSING,
            Why::Unknown => {
                let why = "is not a parameter of this request";
                return Self::with(&PARAMETER_UNKNOWN, &[("param", &param), ("why", why)]);
            }
            why @ Why::UnknownParameter(_) => {
                let why = why.to_string();
                return Self::with(&PARAMETER_UNKNOWN, &[("param", &param), ("why", &why)]);
            }
            Why::CardNumber => &CARD_NUMBER_MISPLACED,
            Why::Address => &EMAIL_INVALID,
            Why::Card(why) => card(why),
        };
        Self::about(row, &param)
    }
}

/// The error for an invalid card.
const fn card(why: CardError) -> &'static Row {
    match why {
        CardError::Length | CardError::NotDigits => &NUMBER_INVALID,
        CardError::Incorrect => &NUMBER_INCORRECT,
        CardError::Month => &EXPIRY_MONTH_INVALID,
        CardError::Year => &EXPIRY_YEAR_INVALID,
        CardError::Cvc => &CVC_INVALID,
    }
}
