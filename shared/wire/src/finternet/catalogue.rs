//! Every error of this contract.

use crate::catalogue::{Entry, entry};

const AGAIN: &str = "Send it again, with the same Idempotency-Key if it had one.";

/// Every error of this contract, by status.
pub const ERRORS: &[Entry] = &[
    entry(
        400,
        "invalid_request",
        "The body is not read, or a field or parameter is missing, wrong or not known, or what it asks for is not possible.",
        "Correct what `param` names.",
    ),
    entry(
        400,
        "invalid_card",
        "The card cannot be one.",
        "Ask the payer again.",
    ),
    entry(
        400,
        "payment_failed",
        "The card was not charged.",
        "Ask the payer for another card.",
    ),
    entry(
        400,
        "invalid_state_transition",
        "The payment intent is paid, being paid, or canceled.",
        "Read the payment intent; make a new one to be paid again.",
    ),
    entry(
        400,
        "idempotency_key_reused",
        "The Idempotency-Key was used with another request. Nothing was done.",
        "Use a fresh key.",
    ),
    entry(
        401,
        "authentication_required",
        "No key was sent.",
        "Send `X-API-Key: YOUR_API_KEY`.",
    ),
    entry(
        401,
        "invalid_api_key",
        "A key that was never issued.",
        "Check the key.",
    ),
    entry(
        403,
        "forbidden",
        "Another merchant's payment intent, or a payment with a live key.",
        "Use the key of the payment intent's merchant, a test key.",
    ),
    entry(
        404,
        "resource_missing",
        "No such path or object.",
        "Check the path and the id.",
    ),
    entry(
        405,
        "invalid_request",
        "The path does not know this method.",
        "See this reference for the methods.",
    ),
    entry(
        429,
        "rate_limit_exceeded",
        "Too many requests this minute.",
        "Wait as many seconds as `retryAfter` says.",
    ),
    entry(
        500,
        "internal_error",
        "A defect of the gateway; it is logged under `X-Request-Id`.",
        AGAIN,
    ),
    entry(
        503,
        "service_unavailable",
        "A part of the gateway is away.",
        AGAIN,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{is_words, texts};

    #[test]
    fn every_code_is_explained_and_every_explanation_has_a_code() {
        let written: Vec<&str> = texts(include_str!("error.rs"))
            .filter(|text| is_words(text) || *text == "forbidden")
            .collect();
        let is_explained = |code: &&&str| ERRORS.iter().any(|entry| entry.code == **code);
        let unknown: Vec<_> = written.iter().filter(|code| !is_explained(code)).collect();
        assert_eq!(unknown, Vec::<&&str>::new());
        let unused = ERRORS.iter().filter(|entry| !written.contains(&entry.code));
        assert_eq!(unused.collect::<Vec<_>>(), Vec::<&Entry>::new());
    }
}
