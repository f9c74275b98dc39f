//! Why a request is rejected. Facts only: each surface renders them in its own format.

use domain::endpoint::UrlError;
use wire::fields::FieldError;

/// Why a request is rejected.
#[derive(Debug, Clone)]
pub enum ApiError {
    /// No credentials.
    KeyMissing,
    /// Unknown credentials.
    KeyInvalid,
    /// An expired access token.
    TokenExpired,
    /// More requests than the limit this minute.
    RateLimited {
        /// When the next minute begins.
        retry_after_seconds: i64,
    },
    /// An access token without the scope `payments`.
    ScopeMissing,
    /// The body cannot be read, for this reason.
    Body(&'static str),
    /// A field is wrong.
    Field(FieldError),
    /// No such path.
    RouteUnknown,
    /// The path has other methods.
    MethodNotAllowed,
    /// No such object, or another merchant's; what it would be.
    Missing(&'static str),
    /// The idempotency key is malformed.
    IdempotencyKeyMalformed,
    /// The idempotency key was used with another request.
    IdempotencyKeyReused,
    /// The URL of an endpoint is not allowed.
    UrlNotAllowed(UrlError),
    /// The merchant has as many endpoints as it may.
    TooManyEndpoints,
    /// The payment is not captured.
    NotRefundable,
    /// More than is left of the payment.
    RefundTooLarge,
    /// Another customer has this address.
    EmailTaken,
    /// The intent is paid, being paid, or canceled.
    IntentClosed,
    /// A live key, and no live acquirer.
    LiveUnavailable,
    /// A store is unreachable, or the card worker has not created a sealing key yet.
    Unavailable,
    /// A defect of the gateway; it was logged.
    Internal,
}

impl ApiError {
    /// Whether the credential is to blame, and not a store that cannot look it up.
    pub const fn is_about_the_key(&self) -> bool {
        matches!(
            self,
            ApiError::KeyMissing
                | ApiError::KeyInvalid
                | ApiError::TokenExpired
                | ApiError::ScopeMissing
        )
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        if error.is_unavailable() {
            tracing::warn!(%error, "cannot reach the database");
            return ApiError::Unavailable;
        }
        tracing::error!(%error, "the database rejected a statement");
        ApiError::Internal
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        ApiError::Field(error)
    }
}
