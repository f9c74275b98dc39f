//! Every error of this contract.

use crate::catalogue::{Entry, entry};

const AGAIN: &str = "Send it again, with the same Idempotency-Key if it had one.";

/// Every error of this contract, by status.
pub const ERRORS: &[Entry] = &[
    entry(
        400,
        "VAL001",
        "The body is not read (no JSON object, a wrong content type, too large, too deep, too slow, a field twice), or one of its fields is missing, wrong or not known.",
        "Send proper JSON; correct the field that `param` names.",
    ),
    entry(
        400,
        "VAL002",
        "A parameter of the query or the Idempotency-Key is wrong, or what is asked for is not possible.",
        "Correct what `param` names; where it names nothing, do what `message` says.",
    ),
    entry(
        401,
        "AUTH001",
        "No key, a key that was never issued, or wrong client credentials.",
        "Send `Authorization: Bearer YOUR_API_KEY`.",
    ),
    entry(
        401,
        "AUTH002",
        "The access token is older than its `expires_in`.",
        "Get a new one at `/oauth/token`.",
    ),
    entry(
        401,
        "AUTH003",
        "A token was asked for with a scope that does not exist.",
        "Ask for `payments`, `accounts` or both.",
    ),
    entry(
        402,
        "PAY001",
        "The payment failed; `decline_code` says why. It can be read.",
        "Ask the payer for another card.",
    ),
    entry(
        403,
        "AUTH003",
        "A token that was not asked for payments; or a payment with a live key, of which nothing was \
         stored.",
        "Ask for a token with the scope `payments`; use a test key.",
    ),
    entry(
        404,
        "VAL003",
        "No such path or object, or another merchant's, or the other mode's.",
        "Check the path, the id and the key.",
    ),
    entry(
        405,
        "VAL001",
        "The path does not know this method.",
        "See this reference for the methods.",
    ),
    entry(
        409,
        "VAL002",
        "The Idempotency-Key was used with another request. Nothing was done.",
        "Use a fresh key.",
    ),
    entry(
        429,
        "RATE001",
        "Too many requests this minute.",
        "Wait as many seconds as `Retry-After` says.",
    ),
    entry(
        500,
        "API001",
        "A defect of the gateway; it is logged under `X-Request-Id`.",
        AGAIN,
    ),
    entry(503, "API002", "A part of the gateway is away.", AGAIN),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::texts;

    fn is_code(text: &&str) -> bool {
        let digits = text.trim_start_matches(|c: char| c.is_ascii_uppercase());
        digits.len() == 3 && digits.len() < text.len() && digits.bytes().all(|b| b.is_ascii_digit())
    }

    #[test]
    fn every_code_is_explained_and_every_explanation_has_a_code() {
        let written: Vec<&str> = texts(include_str!("error.rs")).filter(is_code).collect();
        let is_explained = |code: &&&str| ERRORS.iter().any(|entry| entry.code == **code);
        assert!(
            written.iter().all(|code| is_explained(&code)),
            "{written:?}"
        );
        let unused = ERRORS.iter().filter(|entry| !written.contains(&entry.code));
        assert_eq!(unused.collect::<Vec<_>>(), Vec::<&Entry>::new());
    }
}
