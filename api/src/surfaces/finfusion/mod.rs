//! finfusion: payments, customers and webhook endpoints under `/v2`, with amounts as objects, and
//! an OAuth token endpoint.

mod customers;
mod payments;
mod tokens;

use domain::event::EventType;
use domain::surface::Surface;
use wire::Body;
use wire::error::SurfaceError;
use wire::finfusion::error::{self, Error};
use wire::finfusion::{response, webhook};

use super::{attempts, endpoints, paygate};
use crate::error::ApiError;
use crate::openapi::operation::{Operations, delete, get, patch, post};
use crate::openapi::{About, events, schemas};

/// Declares the operations of this surface.
#[rustfmt::skip]
pub fn operations() -> Operations {
    Operations::new()
        .at("/oauth/token", [], post(tokens::create, tokens::CREATE))
        .at("/v2/payments", [], post(payments::create, payments::CREATE))
        .at("/v2/payments", [], get(payments::list, payments::LIST))
        .at("/v2/payments/{id}", [], get(payments::read, payments::READ))
        .at("/v2/payments/{id}/refund", [], post(payments::refund, payments::REFUND))
        .at("/v2/customers", [], post(customers::create, customers::CREATE))
        .at("/v2/customers/{id}", [], get(customers::read, customers::READ))
        .at("/v2/webhooks", [], post(endpoints::create::<Finfusion>, endpoints::CREATE))
        .at("/v2/webhooks", [], get(endpoints::list::<Finfusion>, endpoints::LIST))
        .at("/v2/webhooks/{id}", [], get(endpoints::read::<Finfusion>, endpoints::READ))
        .at("/v2/webhooks/{id}", [], patch(endpoints::update::<Finfusion>, endpoints::UPDATE))
        .at("/v2/webhooks/{id}", [], delete(endpoints::delete::<Finfusion>, endpoints::DELETE))
        .at("/v2/webhooks/{id}/attempts", [], get(attempts::list::<Finfusion>, attempts::LIST))
        .at("/v2/webhooks/{id}/attempts/{attempt}", [], get(attempts::read::<Finfusion>, attempts::READ))
        .at("/v2/webhooks/{id}/resend", [], post(attempts::resend::<Finfusion>, attempts::RESEND))
        .at("/v2/webhooks/{id}/test", [], post(attempts::test::<Finfusion>, attempts::TEST))
        .at("/v2/webhooks/{id}/roll-secret", [], post(attempts::roll::<Finfusion>, attempts::ROLL))
}

/// Describes this surface for its document.
pub fn about() -> About {
    About {
        surface: Surface::Finfusion,
        summary: "Payments with amount objects, under /v2.",
        description: "An amount is an object with a `value` in the currency's smallest unit and a \
                      `currency`. Times are ISO 8601. A decline is an error with status 402.",
        security: paygate::bearer(),
        has_replays: true,
        errors: error::ROWS,
        error: |_| schemas::response::<error::Body>(),
        events: events(webhook::event_name, |event| match event {
            EventType::RefundSucceeded => schemas::response::<response::Refund>(),
            EventType::EndpointDisabled | EventType::EndpointTest => {
                schemas::response::<response::Endpoint>()
            }
            _ => schemas::response::<response::Payment>(),
        }),
        subscribable: &webhook::EVENTS,
    }
}

/// This surface's format of webhook endpoints.
struct Finfusion;

endpoints::plain_format!(
    Finfusion,
    |all| response::List::of(all, false),
    |_, page, has_more| response::List::of(page, has_more)
);

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::KeyMissing => Error::of(&error::KEY_MISSING),
            ApiError::KeyInvalid => Error::of(&error::KEY_INVALID),
            ApiError::TokenExpired => Error::of(&error::TOKEN_EXPIRED),
            ApiError::RateLimited(seconds) => Error::rate_limited(seconds),
            ApiError::Body(why) => Error::body_invalid(why),
            ApiError::Header(why) => Error::with(&error::HEADER_INVALID, &[("why", why)]),
            ApiError::Field(field) => field.into(),
            ApiError::Parameter(field) => Error::parameter(field),
            ApiError::RouteUnknown => Error::of(&error::ROUTE_UNKNOWN),
            ApiError::Missing(what) => Error::missing(what),
            ApiError::MethodNotAllowed => Error::of(&error::METHOD_NOT_ALLOWED),
            ApiError::IdempotencyKeyMalformed => {
                Error::about(&error::IDEMPOTENCY_KEY_INVALID, "Idempotency-Key")
            }
            ApiError::IdempotencyKeyReused => {
                Error::about(&error::IDEMPOTENCY_KEY_REUSED, "Idempotency-Key")
            }
            ApiError::UrlNotAllowed(why) => Error::url_not_allowed(why),
            ApiError::TooManyEndpoints => Error::of(&error::ENDPOINT_LIMIT_REACHED),
            ApiError::EndpointDisabled => Error::of(&error::ENDPOINT_DISABLED),
            ApiError::NotRefundable => Error::of(&error::NOT_REFUNDABLE),
            ApiError::RefundTooLarge => Error::about(&error::REFUND_TOO_LARGE, "amount"),
            ApiError::MerchantDisabled => Error::of(&error::ACCOUNT_DISABLED),
            ApiError::ScopeMissing => Error::of(&error::SCOPE_MISSING),
            ApiError::LiveUnavailable => Error::of(&error::LIVE_UNAVAILABLE),
            ApiError::Unavailable => Error::of(&error::UNAVAILABLE),
            ApiError::EmailTaken
            | ApiError::IntentClosed
            | ApiError::TooManyCards
            | ApiError::Internal => Error::of(&error::INTERNAL),
        }
    }
}
