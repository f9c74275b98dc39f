//! Every error of this contract. It has no codes of its own: the status stands in `code` again, and
//! `title` or, with 401, `detail` says which it is.

use crate::catalogue::{Entry, entry};

const AGAIN: &str = "Send it again, with the same Idempotency-Key if it had one.";

/// Every error of this contract, by status.
pub const ERRORS: &[Entry] = &[
    entry(
        400,
        "Invalid request",
        "The body is not read, or a field or parameter is missing, wrong or not known, or what it asks for is not possible; `content` says which.",
        "Correct what `content` names.",
    ),
    entry(
        401,
        "Authentication credentials were not provided.",
        "No key was sent.",
        "Send the key as the user name of HTTP Basic, without a password.",
    ),
    entry(
        401,
        "Invalid API key format.",
        "What was sent is no key, or a key that was never issued, or Basic without its colon.",
        "Check the key, and the colon behind it.",
    ),
    entry(
        403,
        "Live mode unavailable",
        "A live key; nothing was stored.",
        "Use a test key.",
    ),
    entry(
        403,
        "Not permitted",
        "An access token that was asked for other things than payments.",
        "Ask for a token with the scope `payments`, or without one.",
    ),
    entry(
        404,
        "Payments not found",
        "No such payment, or another merchant's, or the other mode's. Other objects have their own name there.",
        "Check the id and the key.",
    ),
    entry(
        404,
        "Page not found",
        "No such path.",
        "See this reference for the paths.",
    ),
    entry(
        405,
        "Method not allowed",
        "The path does not know this method.",
        "See this reference for the methods.",
    ),
    entry(
        409,
        "Duplicate payment request",
        "The same request was taken before with this Idempotency-Key. Nothing more was done; `data` is what it made.",
        "Go on with `data`.",
    ),
    entry(
        409,
        "Idempotency key reused",
        "Another request was taken before with this Idempotency-Key. Nothing was done.",
        "Send each request with a key of its own.",
    ),
    entry(
        429,
        "Too many requests",
        "Too many requests this minute.",
        "Wait as many seconds as `Retry-After` says.",
    ),
    entry(
        500,
        "Server error",
        "A defect of the gateway; it is logged under `X-Request-Id`.",
        AGAIN,
    ),
    entry(
        503,
        "Service unavailable",
        "A part of the gateway is away.",
        AGAIN,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The statuses and titles that the constructors are given, `404, "Page not found"`.
    fn written() -> Vec<(u16, String)> {
        let source = include_str!("error.rs").split("#[cfg(test)]").next();
        let one_line = source.unwrap_or_default().split_whitespace();
        let one_line = one_line.collect::<Vec<_>>().join(" ");
        let problems = one_line.split("Self::problem(").skip(1).filter_map(|call| {
            let (status, rest) = call.trim_start().split_once(", ")?;
            let title = rest.split('"').nth(1)?.replace("{what}", "Payments");
            Some((status.parse().ok()?, title))
        });
        let unknown = one_line.split("Self::unauthorized(").skip(1);
        let unknown = unknown.filter_map(|call| Some((401, call.split('"').nth(1)?.to_owned())));
        problems.chain(unknown).collect()
    }

    #[test]
    fn every_title_is_explained_and_every_explanation_has_a_title() {
        let mut listed: Vec<_> = ERRORS
            .iter()
            .map(|entry| (entry.status, entry.code.to_owned()))
            .collect();
        let mut written = written();
        for titles in [&mut listed, &mut written] {
            titles.sort();
            titles.dedup();
        }
        assert_eq!(listed, written);
    }
}
