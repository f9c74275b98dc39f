//! Errors: `{"error": {"type", "code", "message", "details"?, "param"?}}`.

use domain::endpoint::NotAllowed;
use serde::Serialize;

use crate::fields::Wrong;

/// An error as the client reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Error {
    /// The HTTP status.
    #[serde(skip)]
    pub status: u16,
    #[serde(rename = "type")]
    kind: &'static str,
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Details {
    param: String,
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

    fn new(
        status: u16,
        kind: &'static str,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            kind,
            code,
            message: message.into(),
            details: None,
            param: None,
        }
    }

    fn invalid(param: &str, message: String) -> Self {
        Self {
            details: Some(Details {
                param: param.to_owned(),
            }),
            param: Some(param.to_owned()),
            ..Self::new(400, "ValidationError", "VAL002", message)
        }
    }

    /// A body that is not read, for the reason said in `message`.
    #[must_use]
    pub fn body_unreadable(message: &str) -> Self {
        Self::new(400, "ValidationError", "VAL001", message)
    }

    /// No key was sent.
    #[must_use]
    pub fn key_missing() -> Self {
        let message = "No API key was sent. Send it as: Authorization: Bearer YOUR_API_KEY";
        Self::new(401, "AuthenticationError", "AUTH001", message)
    }

    /// The key is not known.
    #[must_use]
    pub fn key_invalid() -> Self {
        Self::new(401, "AuthenticationError", "AUTH001", "Invalid API key")
    }

    /// No such path.
    #[must_use]
    pub fn route_unknown() -> Self {
        Self::new(404, "ValidationError", "VAL003", "Resource not found")
    }

    /// The path has other methods.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(
            405,
            "ValidationError",
            "VAL001",
            "This path does not know this method.",
        )
    }

    /// Too many requests this minute.
    #[must_use]
    pub fn rate_limited(retry_after_seconds: i64) -> Self {
        let message = format!("Rate limit exceeded. Try again in {retry_after_seconds} seconds.");
        Self::new(429, "RateLimitError", "RATE001", message)
    }

    /// The URL of an endpoint may not be posted to.
    #[must_use]
    pub fn url_not_allowed(why: NotAllowed) -> Self {
        Self::invalid("url", why.to_string())
    }

    /// The merchant has as many endpoints as it may.
    #[must_use]
    pub fn too_many_endpoints() -> Self {
        let message = "This account has as many webhook endpoints as it may have.";
        Self::new(400, "ValidationError", "VAL002", message)
    }

    /// Ours; the request id is in the answer's headers.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(500, "APIError", "API001", "Internal server error")
    }

    /// A store is away; nothing is known to be done.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(
            503,
            "APIError",
            "API002",
            "Service unavailable. Try again shortly.",
        )
    }
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Missing { param } => Self::invalid(&param, format!("{param} is required")),
            Wrong::Invalid { param, why } if param.is_empty() => {
                Self::body_unreadable(&format!("The body {why}"))
            }
            Wrong::Invalid { param, why } => Self::invalid(&param, format!("{param} {why}")),
            Wrong::Unknown { param } => Self::invalid(
                &param,
                format!("{param} is not a parameter of this request"),
            ),
            Wrong::CardNumber { param } => {
                let message = format!("{param} holds what looks like a card number");
                Self::invalid(&param, message)
            }
        }
    }
}
