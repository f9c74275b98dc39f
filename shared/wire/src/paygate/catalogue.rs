//! Every error of this contract.

use crate::catalogue::{Entry, entry};

const AGAIN: &str = "Send it again, with the same Idempotency-Key if it had one.";
const FIELD: &str = "Correct the field that `param` names.";
const CARD: &str = "Ask the payer again.";

/// Every error of this contract, by status.
pub const ERRORS: &[Entry] = &[
    entry(
        400,
        "body_invalid",
        "The body is not a JSON object, its content type is not `application/json`, or it is too large, too deep, too slow, or names a field twice.",
        "Send proper JSON.",
    ),
    entry(
        400,
        "parameter_missing",
        "A required field is not there.",
        FIELD,
    ),
    entry(
        400,
        "parameter_invalid",
        "A field or a query parameter is not what it must be.",
        FIELD,
    ),
    entry(
        400,
        "parameter_unknown",
        "A field that this request does not have.",
        "Remove it.",
    ),
    entry(
        400,
        "currency_invalid",
        "Not an ISO 4217 code in upper case.",
        FIELD,
    ),
    entry(
        400,
        "amount_too_small",
        "Less than half a unit of the currency, or 50 of one without a smaller unit; for a refund, not more than zero.",
        FIELD,
    ),
    entry(
        400,
        "amount_too_large",
        "More than 12 digits; for a refund, more than is left of the payment.",
        FIELD,
    ),
    entry(
        400,
        "payment_method_unsupported",
        "Anything but `card`.",
        "Send `card`.",
    ),
    entry(
        400,
        "invalid_number",
        "The card number has not 12 to 19 digits.",
        CARD,
    ),
    entry(
        400,
        "incorrect_number",
        "The card number's check digit is wrong.",
        CARD,
    ),
    entry(
        400,
        "invalid_expiry_month",
        "The month is not 1 to 12.",
        CARD,
    ),
    entry(
        400,
        "invalid_expiry_year",
        "The year is not 2000 to 2099.",
        CARD,
    ),
    entry(
        400,
        "invalid_cvc",
        "The security code has not 3 digits, 4 for American Express.",
        CARD,
    ),
    entry(400, "email_invalid", "Not an e-mail address.", FIELD),
    entry(
        400,
        "email_taken",
        "Another customer has this address.",
        "Change that customer, or use another address.",
    ),
    entry(
        400,
        "card_number_misplaced",
        "A card number where texts are stored. Nothing was stored.",
        "Remove it; card numbers belong in `card.number` only.",
    ),
    entry(
        400,
        "payment_not_refundable",
        "The payment did not succeed.",
        "Refund payments that succeeded.",
    ),
    entry(
        400,
        "idempotency_key_invalid",
        "The Idempotency-Key has not 1 to 255 printable ASCII characters, or holds a card number.",
        "Send another key.",
    ),
    entry(
        400,
        "url_not_allowed",
        "A webhook URL that is not https, or names a private address.",
        "Use a public https URL.",
    ),
    entry(
        400,
        "endpoint_limit_reached",
        "The account has 16 webhook endpoints in this mode.",
        "Delete one, or subscribe one of them to more events.",
    ),
    entry(
        401,
        "missing_api_key",
        "No key was sent.",
        "Send `Authorization: Bearer YOUR_API_KEY`.",
    ),
    entry(
        401,
        "invalid_api_key",
        "A key that was never issued.",
        "Check the key.",
    ),
    entry(
        401,
        "token_expired",
        "The access token is older than its `expires_in`.",
        "Get a new one at `/v1/auth/token`.",
    ),
    entry(
        401,
        "invalid_client",
        "Unknown `client_id`, or not its `client_secret`.",
        "Check the client credentials.",
    ),
    entry(
        403,
        "scope_missing",
        "An access token that was asked for other things than payments.",
        "Ask for a token with the scope `payments`, or without one.",
    ),
    entry(
        403,
        "live_mode_unavailable",
        "A payment with a live key; nothing was stored.",
        "Use a test key.",
    ),
    entry(
        404,
        "resource_missing",
        "No such object, or another merchant's, or the other mode's.",
        "Check the id and the key.",
    ),
    entry(
        404,
        "route_unknown",
        "No such path.",
        "See this reference for the paths.",
    ),
    entry(
        405,
        "method_not_allowed",
        "The path does not know this method.",
        "See this reference for the methods.",
    ),
    entry(
        409,
        "idempotency_key_reused",
        "The Idempotency-Key was used with another request. Nothing was done.",
        "Use a fresh key.",
    ),
    entry(
        429,
        "rate_limit_exceeded",
        "Too many requests this minute.",
        "Wait as many seconds as `Retry-After` says.",
    ),
    entry(
        500,
        "internal_error",
        "A defect of the gateway; it is logged under `X-Request-Id`.",
        AGAIN,
    ),
    entry(503, "unavailable", "A part of the gateway is away.", AGAIN),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{is_words, texts};

    #[test]
    fn every_code_is_explained_and_every_explanation_has_a_code() {
        let sources = [
            include_str!("error.rs"),
            include_str!("request/payment.rs"),
            include_str!("request/refund.rs"),
        ];
        let mut written: Vec<&str> = sources.into_iter().flat_map(texts).collect();
        written.retain(|text| is_words(text) || *text == "unavailable");
        // The names of fields look the same.
        let fields = ["payment_method", "exp_month", "exp_year"];
        let unknown = written.iter().filter(|text| {
            !fields.contains(text) && !ERRORS.iter().any(|entry| entry.code == **text)
        });
        assert_eq!(unknown.collect::<Vec<_>>(), Vec::<&&str>::new());
        let unused = ERRORS.iter().filter(|entry| !written.contains(&entry.code));
        assert_eq!(unused.collect::<Vec<_>>(), Vec::<&Entry>::new());
    }
}
