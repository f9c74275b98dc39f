//! Why a request is turned away before a surface looks at its meaning. Facts only: each surface
//! has its own words for them.

use domain::endpoint::UrlError;
use wire::fields::FieldError;

/// A request that is turned away.
#[derive(Debug)]
pub enum ApiError {
    /// No credentials.
    KeyMissing,
    /// Credentials nobody was given.
    KeyInvalid,
    /// An access token that was given too long ago.
    TokenExpired,
    /// More requests than the limit this minute.
    RateLimited {
        /// When the next minute begins.
        retry_after_seconds: i64,
    },
    /// An access token that was asked for something else.
    ScopeMissing,
    /// The body is not read; the text says why.
    Body(&'static str),
    /// A field is wrong.
    Field(FieldError),
    /// No such path.
    RouteUnknown,
    /// The path has other methods.
    MethodNotAllowed,
    /// No such object, or not the caller's; what it would be.
    Missing(&'static str),
    /// The idempotency key is not one.
    IdempotencyKeyMalformed,
    /// The idempotency key was used with another request.
    IdempotencyKeyReused,
    /// The URL of an endpoint may not be posted to.
    UrlNotAllowed(UrlError),
    /// The merchant has as many endpoints as it may.
    TooManyEndpoints,
    /// The payment is not captured, or was never to be given back.
    NotRefundable,
    /// More than is left of the payment.
    RefundTooLarge,
    /// Another customer has this address.
    EmailTaken,
    /// The intent is paid, being paid, or canceled.
    IntentClosed,
    /// A live key where there is no live acquirer.
    LiveUnavailable,
    /// A store is away, or the card worker has not made a key yet.
    Unavailable,
    /// A defect of ours; it was logged.
    Internal,
}

impl ApiError {
    /// Whether the caller is not known, rather than nobody being there to know.
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
            tracing::warn!(%error, "the database is away");
            return ApiError::Unavailable;
        }
        tracing::error!(%error, "the database refused");
        ApiError::Internal
    }
}

impl From<FieldError> for ApiError {
    fn from(wrong: FieldError) -> Self {
        ApiError::Field(wrong)
    }
}
