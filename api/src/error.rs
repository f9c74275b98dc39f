//! Why a request is rejected. Errors carry facts only; each surface renders them in its own format.

use domain::endpoint::UrlError;
use wire::fields::FieldError;

/// Why a request is rejected.
#[derive(Debug, Clone)]
pub enum ApiError {
    /// The request has no credentials.
    KeyMissing,
    /// The credentials are malformed, unknown, or two that differ.
    KeyInvalid,
    /// The access token has expired.
    TokenExpired,
    /// An operator has disabled the merchant.
    MerchantDisabled,
    /// The requests of this minute, or the cards that were tried, exceed a limit. Holds the seconds until
    /// more are accepted, at least 1.
    RateLimited(i64),
    /// The access token lacks the scope `payments`.
    ScopeMissing,
    /// The body cannot be read, for this reason.
    Body(&'static str),
    /// A header stands twice, or the host is missing or invalid, for this reason.
    Header(&'static str),
    /// A field is missing or invalid.
    Field(FieldError),
    /// A query parameter is unknown or invalid.
    Parameter(FieldError),
    /// No such path.
    RouteUnknown,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// The object does not exist or belongs to another merchant. Holds the type of object.
    Missing(&'static str),
    /// The idempotency key is malformed.
    IdempotencyKeyMalformed,
    /// The idempotency key was used with a different request.
    IdempotencyKeyReused,
    /// The webhook endpoint's URL is not allowed.
    UrlNotAllowed(UrlError),
    /// The merchant has the maximum number of webhook endpoints.
    TooManyEndpoints,
    /// The webhook endpoint to send to is disabled.
    EndpointDisabled,
    /// The payment is not captured.
    NotRefundable,
    /// The refund exceeds what is left of the payment.
    RefundTooLarge,
    /// Another customer has this email address.
    EmailTaken,
    /// The intent is paid, being paid, or canceled.
    IntentClosed,
    /// Five cards were tried for the intent.
    TooManyCards,
    /// The key is live, but there is no live acquirer.
    LiveUnavailable,
    /// The database is unreachable, or there is no usable sealing key, for example because the card
    /// worker has not created one yet.
    Unavailable,
    /// A defect of the gateway. [`ApiError::internal`] logs what it is.
    Internal,
}

impl ApiError {
    /// Logs the reason, with the request's id, and returns [`ApiError::Internal`]: the client learns
    /// only the id.
    pub fn internal(reason: &str) -> Self {
        tracing::error!(reason, "a request met a defect of the gateway");
        ApiError::Internal
    }

    /// Whether the credential is at fault, rather than a store that could not look it up.
    pub const fn is_about_the_key(&self) -> bool {
        matches!(
            self,
            ApiError::KeyMissing
                | ApiError::KeyInvalid
                | ApiError::TokenExpired
                | ApiError::MerchantDisabled
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
        ApiError::internal(&format!("the database rejected a statement: {error}"))
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        ApiError::Field(error)
    }
}
