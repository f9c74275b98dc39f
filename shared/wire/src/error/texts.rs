//! Errors whose words are the same on most surfaces. Each surface gives them its own code.

use super::{AGAIN, FIELD, Row};

/// A row without status and code.
const fn words(text: &'static str, when: &'static str, remedy: &'static str) -> Row {
    Row {
        status: 0,
        code: "",
        text,
        when,
        remedy,
    }
}

pub const CARD_INVALID: Row = words(
    "{why}",
    "The card cannot be valid.",
    "Ask the payer to check the card's details.",
);
pub const REFUND_TOO_LARGE: Row = words(
    "Refunds may not add up to more than the payment's amount",
    "A refund of more than is left of the payment.",
    FIELD,
);
pub const URL_NOT_ALLOWED: Row = words(
    "{why}",
    "A webhook URL that is not https, or names a private address.",
    "Use a public https URL.",
);
pub const ENDPOINT_LIMIT_REACHED: Row = words(
    "This account has as many webhook endpoints as it may have.",
    "The account has 16 webhook endpoints in this mode.",
    "Delete one, or subscribe one of them to more events.",
);
pub const ENDPOINT_DISABLED: Row = words(
    "The webhook endpoint is disabled. Nothing was sent.",
    "A webhook to send to a disabled endpoint.",
    "Set its `status` to `active`.",
);
pub const HEADER_INVALID: Row = words(
    "{why}",
    "`Authorization`, `Content-Type`, `Host`, `Idempotency-Key` or `X-API-Key` was sent twice, or `Host` is missing or invalid.",
    "Send each of these headers once.",
);
pub const IDEMPOTENCY_KEY_INVALID: Row = words(
    "Idempotency-Key must have 1 to 255 printable ASCII characters and no card number.",
    "The Idempotency-Key does not have 1 to 255 printable ASCII characters, or holds a card number.",
    "Send another key.",
);
pub const KEY_MISSING: Row = words(
    "No API key was sent. Send it as: Authorization: Bearer YOUR_API_KEY",
    "No key was sent.",
    "Send `Authorization: Bearer YOUR_API_KEY`.",
);
pub const KEY_INVALID: Row = words(
    "Invalid API key",
    "A key that was never issued.",
    "Check the key.",
);
pub const CLIENT_INVALID: Row = words(
    "Unknown client_id, or not its client_secret",
    "Unknown `client_id`, or not its `client_secret`.",
    "Check the client credentials.",
);
pub const ACCOUNT_DISABLED: Row = words(
    "This account is disabled. No request is accepted until the gateway's operator enables it again.",
    "The gateway's operator has disabled the account.",
    "Ask whoever runs the gateway.",
);
pub const LIVE_UNAVAILABLE: Row = words(
    "Live payments are not available: this gateway has no live acquirer. Nothing was stored. Use a test key (sk_test_…).",
    "A payment with a live key; nothing was stored.",
    "Use a test key.",
);
pub const METHOD_NOT_ALLOWED: Row = words(
    "The path does not support this method.",
    "The path does not have this method.",
    "See this reference for the methods.",
);
pub const IDEMPOTENCY_KEY_REUSED: Row = words(
    "This Idempotency-Key was used with another request. Nothing was done.",
    "The Idempotency-Key was used with another request. Nothing was done.",
    "Use a new key.",
);
pub const INTERNAL: Row = words(
    "Something went wrong on our side. Send the request again, with the same Idempotency-Key if it had one.",
    "A defect of the gateway; it is logged under `X-Request-Id`.",
    AGAIN,
);
pub const UNAVAILABLE: Row = words(
    "Not available at the moment. Send the request again, with the same Idempotency-Key if it had one.",
    "A part of the gateway is unavailable.",
    AGAIN,
);
