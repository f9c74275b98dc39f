//! finternet: payment intents under `/v1/payment-intents`, and webhook endpoints under
//! `/v1/webhooks` for requests with `X-API-Key`.

mod account;
mod intents;
mod on_chain;
mod public;
mod refunds;

use axum::routing::options;
use domain::event::EventType;
use domain::id::{AttemptId, EndpointId, IntentId};
use domain::intent::{Intent, State};
use domain::surface::Surface;
use serde_json::json;
use store::merchants::Principal;
use wire::Body;
use wire::attempt::{Delivery, Named};
use wire::error::SurfaceError;
use wire::finternet::error::{self, Error};
use wire::finternet::response::{
    DeletedEndpoint, Envelope, List, WebhookAttempt, WebhookDelivery, WebhookEndpoint,
};
use wire::finternet::webhook;
use wire::page::Page;
use wire::subscription::Endpoint;

use super::attempts;
use super::endpoints::{self, Missing};
use super::handler::{Refusal, Reply};
use crate::App;
use crate::error::ApiError;
use crate::openapi::operation::{Operations, delete, get, patch, post, put};
use crate::openapi::{About, events, schemas};

/// Declares the operations of this surface.
#[rustfmt::skip]
pub fn operations() -> Operations {
    Operations::new()
        .at("/v1/payment-intents", ["/v1/payment-intents/"], post(intents::create, intents::CREATE))
        .at("/v1/payment-intents", ["/v1/payment-intents/"], get(intents::list, intents::LIST))
        .at("/v1/payment-intents/{id}", ["/v1/payment-intents/{id}/"], get(intents::read, intents::READ))
        .at("/v1/payment-intents/{id}/cancel", [], post(intents::cancel, intents::CANCEL))
        .at("/v1/payment-intents/{id}/refunds", [], post(refunds::create, refunds::CREATE))
        .at("/v1/payment-intents/{id}/refunds", [], get(refunds::list, refunds::LIST))
        .at("/v1/payment-intents/public/{id}", [], get(public::read, public::READ))
        .at("/v1/payment-intents/public/{id}/payment", [], post(public::pay, public::PAY))
        .at("/v1/payment-intents/account/balance", [], get(account::balance, account::BALANCE))
        .at("/v1/payment-intents/account/ledger-entries", [], get(account::ledger_entries, account::LEDGER_ENTRIES))
        .at("/v1/webhooks", ["/v1/webhooks/"], post(endpoints::create::<Finternet>, endpoints::CREATE))
        .at("/v1/webhooks", ["/v1/webhooks/"], get(endpoints::list::<Finternet>, endpoints::LIST))
        .at("/v1/webhooks/{id}", [], get(endpoints::read::<Finternet>, endpoints::READ))
        .at("/v1/webhooks/{id}", [], patch(endpoints::update::<Finternet>, endpoints::UPDATE))
        .at("/v1/webhooks/{id}", [], put(endpoints::update::<Finternet>, endpoints::REPLACE))
        .at("/v1/webhooks/{id}", [], delete(endpoints::delete::<Finternet>, endpoints::DELETE))
        .at("/v1/webhooks/{id}/attempts", [], get(attempts::list::<Finternet>, attempts::LIST))
        .at("/v1/webhooks/{id}/attempts/{attempt}", [], get(attempts::read::<Finternet>, attempts::READ))
        .at("/v1/webhooks/{id}/resend", [], post(attempts::resend::<Finternet>, attempts::RESEND))
        .at("/v1/webhooks/{id}/test", [], post(attempts::test::<Finternet>, attempts::TEST))
        .at("/v1/webhooks/{id}/roll-secret", [], post(attempts::roll::<Finternet>, attempts::ROLL))
        .at("/v1/payment-intents/{id}/confirm", [], post(on_chain::confirm, on_chain::CONFIRM))
        .at("/v1/payment-intents/public/{id}/transaction-hash", [], post(on_chain::transaction_hash, on_chain::TRANSACTION_HASH))
        .at("/v1/payment-intents/{id}/escrow", [], get(on_chain::escrow, on_chain::READ_ESCROW))
        .at("/v1/payment-intents/{id}/escrow/delivery-proof", [], post(on_chain::escrow, on_chain::PROVE))
        .at("/v1/payment-intents/{id}/escrow/dispute", [], post(on_chain::escrow, on_chain::DISPUTE))
        .at("/v1/payment-intents/{id}/escrow/milestones", [], post(on_chain::escrow, on_chain::ADD_MILESTONE))
        .at("/v1/payment-intents/{id}/escrow/milestones/{milestone}/complete", [], post(on_chain::escrow, on_chain::COMPLETE_MILESTONE))
        // CORS preflight requests are not documented.
        .route("/v1/payment-intents/public/{id}", options(public::preflight))
        .route("/v1/payment-intents/public/{id}/payment", options(public::preflight))
        .route("/v1/payment-intents/public/{id}/transaction-hash", options(public::preflight))
}

/// Describes this surface for its document.
pub fn about() -> About {
    About {
        surface: Surface::Finternet,
        summary: "Payment intents, paid by card.",
        description: "Amounts are decimal strings and times are Unix seconds. Every object is \
                      wrapped in an envelope.",
        security: json!({
            "type": "apiKey", "in": "header", "name": "X-API-Key",
            "description": "Send `X-API-Key: YOUR_API_KEY` (`sk_test_…`, `sk_live_…`).",
        }),
        has_replays: true,
        errors: error::ROWS,
        error: |_| schemas::response::<error::Body>(),
        events: events(webhook::event_name, |event| match event {
            EventType::EndpointDisabled | EventType::EndpointTest => {
                schemas::response::<WebhookEndpoint>()
            }
            _ => schemas::response::<webhook::EventObject>(),
        }),
        subscribable: &webhook::EVENTS,
    }
}

/// This surface's format of webhook endpoints.
struct Finternet;

impl endpoints::Format for Finternet {
    const SURFACE: Surface = Surface::Finternet;
    const EVENTS: &'static [&'static str] = &webhook::EVENTS;
    type Created = Reply<Envelope<WebhookEndpoint<'static>>, 201>;
    const CREATED: u16 = 201;
    type One = Envelope<WebhookEndpoint<'static>>;
    type List = List<WebhookEndpoint<'static>>;
    type Deleted = DeletedEndpoint;
    type Attempt = Envelope<WebhookAttempt<'static>>;
    type Attempts = List<WebhookAttempt<'static>>;
    type Delivery = WebhookDelivery;

    fn one(endpoint: &Endpoint, secret: Option<&str>) -> String {
        Envelope::endpoint(endpoint, secret).body()
    }

    fn list(endpoints: &[Endpoint]) -> String {
        List::whole(endpoints).body()
    }

    fn deleted(id: EndpointId) -> String {
        DeletedEndpoint::of(id).body()
    }

    fn attempt(attempt: &Named) -> String {
        Envelope::attempt(attempt).body()
    }

    fn attempts(_: &Page<AttemptId>, attempts: &[Named], has_more: bool) -> String {
        List::attempts(attempts, has_more).body()
    }

    fn delivery(delivery: &Delivery) -> String {
        WebhookDelivery::of(delivery).body()
    }

    fn missing(what: Missing, id: &str) -> Refusal {
        let row = match what {
            Missing::Endpoint => &error::ENDPOINT_MISSING,
            Missing::Attempt => &error::ATTEMPT_MISSING,
            Missing::Event => &error::EVENT_MISSING,
        };
        Error::missing(row, id).into()
    }
}

/// Finds an intent of any merchant by its id as the client sent it.
async fn find(app: &App, id: &str) -> Result<Intent, Refusal> {
    let missing = || Error::missing(&error::INTENT_MISSING, id);
    let parsed = IntentId::parse(id).ok_or_else(missing)?;
    match crate::actions::intents::find(app, parsed).await {
        Err(ApiError::Missing(_)) => Err(missing().into()),
        found => Ok(found?),
    }
}

/// Finds an intent of the caller. Another merchant's intent is reported as forbidden; the caller's
/// own intent of the other mode, as missing.
async fn find_own(app: &App, principal: Principal, id: &str) -> Result<Intent, Refusal> {
    let intent = find(app, id).await?;
    if intent.merchant_id != principal.merchant_id {
        return Err(Error::of(&error::FORBIDDEN).into());
    }
    if intent.mode != principal.mode {
        return Err(Error::missing(&error::INTENT_MISSING, id).into());
    }
    Ok(intent)
}

/// The state of an intent that was just rejected as closed. If it is open by now, the payment that
/// was in progress has failed in between, so its state was `Processing`.
async fn closed(app: &App, id: IntentId) -> Result<State, ApiError> {
    let state = crate::actions::intents::find(app, id).await?.state();
    Ok(if state.is_open() {
        State::Processing
    } else {
        state
    })
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::KeyMissing => Error::of(&error::KEY_MISSING),
            ApiError::KeyInvalid | ApiError::TokenExpired => Error::of(&error::KEY_INVALID),
            ApiError::RateLimited(seconds) => Error::rate_limited(seconds),
            ApiError::Body(why) => Error::body_invalid(why),
            ApiError::Header(why) => Error::with(&error::HEADER_INVALID, &[("why", why)]),
            ApiError::Field(field) | ApiError::Parameter(field) => field.into(),
            ApiError::RouteUnknown | ApiError::Missing(_) => Error::of(&error::ROUTE_UNKNOWN),
            ApiError::MethodNotAllowed => Error::of(&error::METHOD_NOT_ALLOWED),
            ApiError::IdempotencyKeyMalformed => Error::key_malformed(),
            ApiError::IdempotencyKeyReused => Error::of(&error::IDEMPOTENCY_KEY_REUSED),
            ApiError::UrlNotAllowed(why) => Error::url_not_allowed(why),
            ApiError::TooManyEndpoints => Error::of(&error::ENDPOINT_LIMIT_REACHED),
            ApiError::EndpointDisabled => Error::of(&error::ENDPOINT_DISABLED),
            ApiError::MerchantDisabled => Error::of(&error::ACCOUNT_DISABLED),
            ApiError::ScopeMissing => Error::of(&error::SCOPE_MISSING),
            ApiError::LiveUnavailable => Error::of(&error::LIVE_UNAVAILABLE),
            ApiError::TooManyCards => Error::of(&error::TOO_MANY_CARDS),
            ApiError::Unavailable => Error::of(&error::UNAVAILABLE),
            ApiError::RefundTooLarge => Error::about(&error::REFUND_TOO_LARGE, "amount"),
            // Handlers convert the first two, and no operation here returns the third.
            ApiError::NotRefundable
            | ApiError::IntentClosed
            | ApiError::EmailTaken
            | ApiError::Internal => Error::of(&error::INTERNAL),
        }
    }
}
