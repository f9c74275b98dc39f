//! paygate: the generic payment gateway API under `/v1`.

mod customers;
mod payments;
mod refunds;
mod tokens;

use domain::event::EventType;
use domain::surface::Surface;
use serde_json::{Value, json};
use wire::Body;
use wire::error::SurfaceError;
use wire::paygate::error::{self, Error};
use wire::paygate::{response, webhook};

use super::{attempts, endpoints};
use crate::error::ApiError;
use crate::openapi::operation::{Operations, delete, get, patch, post};
use crate::openapi::{About, events, schemas};

/// Declares the operations of this surface.
#[rustfmt::skip]
pub fn operations() -> Operations {
    Operations::new()
        .at("/v1/auth/token", [], post(tokens::create, tokens::CREATE))
        .at("/v1/payments", ["/v1/payments/"], post(payments::create, payments::CREATE))
        .at("/v1/payments/{id}", [], get(payments::read, payments::READ))
        .at("/v1/transactions", ["/v1/transactions/"], get(payments::list, payments::LIST))
        .at("/v1/payments", ["/v1/payments/"], get(payments::list, payments::LIST_AGAIN))
        .at("/v1/payments/{id}/refund", [], post(payments::refund, payments::REFUND))
        .at("/v1/refunds", ["/v1/refunds/"], get(refunds::list, refunds::LIST))
        .at("/v1/refunds/{id}", [], get(refunds::read, refunds::READ))
        .at("/v1/customers", ["/v1/customers/"], post(customers::create, customers::CREATE))
        .at("/v1/customers", ["/v1/customers/"], get(customers::list, customers::LIST))
        .at("/v1/customers/{id}", [], get(customers::read, customers::READ))
        .at("/v1/customers/{id}", [], patch(customers::update, customers::UPDATE))
        .at("/v1/webhooks", ["/v1/webhooks/"], post(endpoints::create::<Paygate>, endpoints::CREATE))
        .at("/v1/webhooks", ["/v1/webhooks/"], get(endpoints::list::<Paygate>, endpoints::LIST))
        .at("/v1/webhooks/{id}", [], get(endpoints::read::<Paygate>, endpoints::READ))
        .at("/v1/webhooks/{id}", [], patch(endpoints::update::<Paygate>, endpoints::UPDATE))
        .at("/v1/webhooks/{id}", [], delete(endpoints::delete::<Paygate>, endpoints::DELETE))
        .at("/v1/webhooks/{id}/attempts", [], get(attempts::list::<Paygate>, attempts::LIST))
        .at("/v1/webhooks/{id}/attempts/{attempt}", [], get(attempts::read::<Paygate>, attempts::READ))
        .at("/v1/webhooks/{id}/resend", [], post(attempts::resend::<Paygate>, attempts::RESEND))
        .at("/v1/webhooks/{id}/test", [], post(attempts::test::<Paygate>, attempts::TEST))
        .at("/v1/webhooks/{id}/roll-secret", [], post(attempts::roll::<Paygate>, attempts::ROLL))
}

/// Describes this surface for its document.
pub fn about() -> About {
    About {
        surface: Surface::Paygate,
        summary: "Payments, refunds and customers; amounts are integers.",
        description: "Amounts are integers in the currency's smallest unit and times are Unix \
                      seconds. A decline is a payment with status `failed`, returned with 200.",
        security: bearer(),
        has_replays: true,
        errors: error::ROWS,
        error: |_| schemas::response::<error::Body>(),
        events: events(webhook::event_name, |event| match event {
            EventType::RefundSucceeded | EventType::RefundFailed => {
                schemas::response::<response::Refund>()
            }
            EventType::CustomerCreated | EventType::CustomerUpdated => {
                schemas::response::<response::Customer>()
            }
            EventType::EndpointDisabled | EventType::EndpointTest => {
                schemas::response::<response::Endpoint>()
            }
            _ => schemas::response::<response::Payment>(),
        }),
        subscribable: &webhook::EVENTS,
    }
}

/// The security scheme: an API key or an access token as a Bearer.
pub fn bearer() -> Value {
    json!({
        "type": "http", "scheme": "bearer",
        "description": "Send `Authorization: Bearer` with an API key (`sk_test_…`, `sk_live_…`) or \
                        an access token.",
    })
}

/// This surface's format of webhook endpoints.
struct Paygate;

endpoints::plain_format!(Paygate, response::List::whole, response::List::of);

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::KeyMissing => Error::of(&error::KEY_MISSING),
            ApiError::KeyInvalid => Error::of(&error::KEY_INVALID),
            ApiError::TokenExpired => Error::of(&error::TOKEN_EXPIRED),
            ApiError::RateLimited(seconds) => Error::rate_limited(seconds),
            ApiError::Body(why) => Error::body_invalid(why),
            ApiError::Header(why) => Error::with(&error::HEADER_INVALID, &[("why", why)]),
            ApiError::Field(field) | ApiError::Parameter(field) => field.into(),
            ApiError::RouteUnknown => Error::of(&error::ROUTE_UNKNOWN),
            ApiError::MethodNotAllowed => Error::of(&error::METHOD_NOT_ALLOWED),
            ApiError::Missing(what) => Error::missing(what),
            ApiError::IdempotencyKeyMalformed => Error::of(&error::IDEMPOTENCY_KEY_INVALID),
            ApiError::IdempotencyKeyReused => Error::of(&error::IDEMPOTENCY_KEY_REUSED),
            ApiError::UrlNotAllowed(why) => Error::url_not_allowed(why),
            ApiError::TooManyEndpoints => Error::of(&error::ENDPOINT_LIMIT_REACHED),
            ApiError::EndpointDisabled => Error::of(&error::ENDPOINT_DISABLED),
            ApiError::MerchantDisabled => Error::of(&error::ACCOUNT_DISABLED),
            ApiError::ScopeMissing => Error::of(&error::SCOPE_MISSING),
            ApiError::LiveUnavailable => Error::of(&error::LIVE_UNAVAILABLE),
            ApiError::Unavailable => Error::of(&error::UNAVAILABLE),
            ApiError::NotRefundable => Error::of(&error::PAYMENT_NOT_REFUNDABLE),
            ApiError::RefundTooLarge => Error::about(&error::REFUND_TOO_LARGE, "amount"),
            ApiError::EmailTaken => Error::about(&error::EMAIL_TAKEN, "email"),
            ApiError::IntentClosed | ApiError::TooManyCards | ApiError::Internal => {
                Error::of(&error::INTERNAL)
            }
        }
    }
}
