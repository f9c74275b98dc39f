//! fourgeeks: payments on a hosted page under `/v1/payments/`, with refunds and customers.

mod customers;
mod payments;
mod refunds;

use domain::surface::Surface;
use serde_json::json;
use wire::error::SurfaceError;
use wire::fourgeeks::error::{self, Error};

use super::handler::Handled;
use crate::actions::idempotency::ApiResponse;
use crate::error::ApiError;
use crate::openapi::operation::{Operations, get, post};
use crate::openapi::{About, schemas};

/// Declares the operations of this surface.
#[rustfmt::skip]
pub fn operations() -> Operations {
    Operations::new()
        .at("/v1/payments/", ["/v1/payments"], post(payments::create, payments::CREATE))
        .at("/v1/payments/", ["/v1/payments"], get(payments::list, payments::LIST))
        .at("/v1/payments/internal", ["/v1/payments/internal/"], get(payments::list, payments::LIST_INTERNAL))
        .at("/v1/payments/{id}", ["/v1/payments/{id}/"], get(payments::read, payments::READ))
        .at("/v1/payments/session", ["/v1/payments/session/"], post(payments::create_session, payments::CREATE_SESSION))
        .at("/v1/payments/session/{id}", ["/v1/payments/session/{id}/"], get(payments::read_session, payments::READ_SESSION))
        .at("/v1/payments/public/{id}", ["/v1/payments/public/{id}/"], get(payments::read_public, payments::READ_PUBLIC))
        .at("/v1/refunds", ["/v1/refunds/"], post(refunds::create, refunds::CREATE))
        .at("/v1/refunds", ["/v1/refunds/"], get(refunds::list, refunds::LIST))
        .at("/v1/refunds/{id}", ["/v1/refunds/{id}/"], get(refunds::read, refunds::READ))
        .at("/v1/customers", ["/v1/customers/"], post(customers::create, customers::CREATE))
        .at("/v1/customers", [], get(customers::list, customers::LIST))
        .at("/v1/customers/", [], get(customers::pages, customers::PAGES))
        .at("/v1/customers/{id}", ["/v1/customers/{id}/"], get(customers::read, customers::READ))
}

/// Describes this surface for its document.
pub fn about() -> About {
    About {
        surface: Surface::Fourgeeks,
        summary: "Payments on a hosted page; amounts are decimal strings.",
        description: "Amounts are decimal strings in major units, and JSON numbers in lists. Times \
                      are ISO 8601. Every payment has a page hosted by the gateway. The page shows \
                      the payment and does not accept a card yet, so a payment created here stays \
                      `pending` and fails after 24 hours.",
        security: json!({
            "type": "http", "scheme": "basic",
            "description": "Send the API key as the user name of HTTP Basic, without a password.",
        }),
        has_replays: false,
        errors: error::ROWS,
        error: |status| match status {
            401 => schemas::response::<error::Unauthorized>(),
            _ => schemas::response::<error::Problem>(),
        },
        events: Vec::new(),
        subscribable: &[],
    }
}

/// Returns a first response unchanged. A repeated request is rejected with what the first one
/// created.
fn first_only<T, const STATUS: u16>(response: ApiResponse) -> Handled<T, STATUS> {
    if response.is_replay {
        return Err(Error::repeated(&response.response.body).into());
    }
    Ok(response.into())
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::KeyMissing => Error::of(&error::KEY_MISSING),
            ApiError::KeyInvalid | ApiError::TokenExpired => Error::of(&error::KEY_INVALID),
            ApiError::RateLimited(seconds) => Error::rate_limited(seconds),
            ApiError::Body(why) => Error::invalid(why),
            ApiError::Header(why) => Error::with(&error::HEADER_INVALID, &[("why", why)]),
            ApiError::Field(field) | ApiError::Parameter(field) => field.into(),
            ApiError::RouteUnknown => Error::of(&error::ROUTE_UNKNOWN),
            ApiError::Missing("customer") => Error::of(&error::CUSTOMER_MISSING),
            ApiError::Missing("refund") => Error::of(&error::REFUND_MISSING),
            ApiError::Missing("session") => Error::of(&error::SESSION_MISSING),
            ApiError::Missing(_) => Error::of(&error::PAYMENT_MISSING),
            ApiError::MethodNotAllowed => Error::of(&error::METHOD_NOT_ALLOWED),
            ApiError::IdempotencyKeyMalformed => Error::of(&error::IDEMPOTENCY_KEY_INVALID),
            ApiError::IdempotencyKeyReused => Error::of(&error::IDEMPOTENCY_KEY_REUSED),
            ApiError::NotRefundable => Error::of(&error::NOT_REFUNDABLE),
            ApiError::RefundTooLarge => Error::of(&error::REFUND_TOO_LARGE),
            ApiError::MerchantDisabled => Error::of(&error::ACCOUNT_DISABLED),
            ApiError::ScopeMissing => Error::of(&error::SCOPE_MISSING),
            ApiError::LiveUnavailable => Error::of(&error::LIVE_UNAVAILABLE),
            ApiError::Unavailable => Error::of(&error::UNAVAILABLE),
            ApiError::EmailTaken
            | ApiError::IntentClosed
            | ApiError::TooManyCards
            | ApiError::UrlNotAllowed(_)
            | ApiError::TooManyEndpoints
            | ApiError::EndpointDisabled
            | ApiError::Internal => Error::of(&error::INTERNAL),
        }
    }
}
