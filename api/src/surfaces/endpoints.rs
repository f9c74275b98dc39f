//! Webhook endpoints. The operations are the same on every surface that has them; only the formats
//! differ.

use domain::id::{AttemptId, EndpointId};
use domain::surface::Surface;
use schemars::JsonSchema;
use store::accept::StoredResponse;
use wire::attempt::{Delivery, Named};
use wire::page::Page;
use wire::subscription::{Changes, ChangesBody, Endpoint, Subscription, SubscriptionBody};

use super::handler::{Auth, Handled, Id, Plain, Refusal, Reply, Sent};
use crate::actions::idempotency::ApiResponse;
use crate::actions::webhook_endpoints as endpoints;
use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};

pub(super) const GROUP: &str = "Webhook endpoints";

/// A surface's format of webhook endpoints.
pub trait Format: 'static {
    /// The surface that has this format.
    const SURFACE: Surface;
    /// The events that an endpoint can subscribe to.
    const EVENTS: &'static [&'static str];
    /// The response to a registration.
    type Created: From<ApiResponse>;
    /// The status of that response.
    const CREATED: u16 = 200;
    /// The body with one endpoint.
    type One: JsonSchema;
    /// The body with all endpoints.
    type List: JsonSchema;
    /// The body of the response to a deletion.
    type Deleted: JsonSchema;
    /// The body with one attempt.
    type Attempt: JsonSchema;
    /// The body with a page of attempts.
    type Attempts: JsonSchema;
    /// The body of the response to a request to send something.
    type Delivery: JsonSchema;

    /// Renders an endpoint. `secret` is set only if it is new.
    fn one(endpoint: &Endpoint, secret: Option<&str>) -> String;

    /// Renders all endpoints of the merchant.
    fn list(endpoints: &[Endpoint]) -> String;

    /// Renders the response to a deletion.
    fn deleted(id: EndpointId) -> String;

    /// Renders an attempt.
    fn attempt(attempt: &Named) -> String;

    /// Renders a page of attempts, and whether more follow.
    fn attempts(page: &Page<AttemptId>, attempts: &[Named], has_more: bool) -> String;

    /// Renders a delivery that was just asked for.
    fn delivery(delivery: &Delivery) -> String;

    /// The error for an unknown object. `id` is what the client sent.
    fn missing(what: Missing, _id: &str) -> Refusal {
        ApiError::Missing(what.name()).into()
    }
}

/// What a request about an endpoint may not find.
#[derive(Debug, Clone, Copy)]
pub enum Missing {
    Endpoint,
    Attempt,
    Event,
}

impl Missing {
    const fn name(self) -> &'static str {
        match self {
            Missing::Endpoint => "webhook endpoint",
            Missing::Attempt => "webhook attempt",
            Missing::Event => "event of this webhook endpoint",
        }
    }
}

/// Implements [`Format`] with the `response` types of a surface. `$list` makes a list of endpoints, and
/// `$page` a page of attempts.
macro_rules! plain_format {
    ($surface:ident, $list:expr, $page:expr) => {
        impl endpoints::Format for $surface {
            const SURFACE: Surface = Surface::$surface;
            const EVENTS: &'static [&'static str] = &webhook::EVENTS;
            type Created = super::handler::Reply<Self::One>;
            type One = response::Endpoint<'static>;
            type List = response::List<Self::One>;
            type Deleted = response::DeletedEndpoint;
            type Attempt = response::WebhookAttempt<'static>;
            type Attempts = response::List<Self::Attempt>;
            type Delivery = response::WebhookDelivery;

            fn one(endpoint: &wire::subscription::Endpoint, secret: Option<&str>) -> String {
                response::Endpoint::of(endpoint, secret).body()
            }

            fn list(endpoints: &[wire::subscription::Endpoint]) -> String {
                let data = endpoints.iter();
                $list(data.map(|one| response::Endpoint::of(one, None)).collect()).body()
            }

            fn deleted(id: domain::id::EndpointId) -> String {
                response::DeletedEndpoint::of(id).body()
            }

            fn attempt(attempt: &wire::attempt::Named) -> String {
                response::WebhookAttempt::of(attempt).body()
            }

            fn attempts(
                page: &wire::page::Page<domain::id::AttemptId>,
                attempts: &[wire::attempt::Named],
                has_more: bool,
            ) -> String {
                let data = attempts.iter().map(response::WebhookAttempt::of).collect();
                $page(page, data, has_more).body()
            }

            fn delivery(delivery: &wire::attempt::Delivery) -> String {
                response::WebhookDelivery::of(delivery).body()
            }
        }
    };
}

pub(super) use plain_format;

pub const CREATE: Docs = docs(
    GROUP,
    "createWebhookEndpoint",
    "Register a webhook endpoint",
)
.description("Store the `secret`; it is not shown again.")
.example(r#"{ "url": "https://example.com/webhooks", "events": ["*"] }"#);

pub async fn create<F: Format>(
    Auth(app, principal): Auth,
    sent: Sent<SubscriptionBody>,
) -> Result<F::Created, Refusal> {
    let read = |body| Subscription::read(body, F::EVENTS);
    let (wanted, key) = sent.read(&app, read).await?;
    let render = |endpoint: &Endpoint, secret: &str| StoredResponse {
        status: F::CREATED,
        body: F::one(endpoint, Some(secret)),
    };
    let created = endpoints::register(&app, principal, F::SURFACE, wanted, key, render).await?;
    Ok(created.into())
}

pub const LIST: Docs = docs(GROUP, "listWebhookEndpoints", "List webhook endpoints");

pub async fn list<F: Format>(Auth(app, principal): Auth) -> Handled<F::List> {
    let found = endpoints::list(&app, principal, F::SURFACE).await?;
    Ok(Reply::of(F::list(&found)))
}

pub const READ: Docs = docs(GROUP, "getWebhookEndpoint", "Read a webhook endpoint");

pub async fn read<F: Format>(Auth(app, principal): Auth, Id(id): Id) -> Handled<F::One> {
    let found = endpoints::find(&app, principal, F::SURFACE, parse::<F>(&id)?).await;
    shown::<F>(found, &id)
}

pub(super) fn parse<F: Format>(id: &str) -> Result<EndpointId, Refusal> {
    EndpointId::parse(id).ok_or_else(|| F::missing(Missing::Endpoint, id))
}

fn shown<F: Format>(found: Result<Endpoint, ApiError>, id: &str) -> Handled<F::One> {
    let endpoint = found.map_err(|error| named::<F>(error, id))?;
    Ok(Reply::of(F::one(&endpoint, None)))
}

pub(super) fn named<F: Format>(error: ApiError, id: &str) -> Refusal {
    match error {
        ApiError::Missing(_) => F::missing(Missing::Endpoint, id),
        error => error.into(),
    }
}

pub const UPDATE: Docs = docs(GROUP, "updateWebhookEndpoint", "Update a webhook endpoint")
    .description(
        "An endpoint that becomes active again is no longer failing, and receives the webhooks that \
         waited for it.",
    )
    .example(r#"{ "status": "disabled" }"#);

pub const REPLACE: Docs = docs(
    GROUP,
    "putWebhookEndpoint",
    "Update a webhook endpoint with PUT",
)
.description("The same as PATCH: omitted fields keep their values.")
.example(r#"{ "status": "disabled" }"#)
// Without a key, the request goes to paygate, which has no PUT on this path.
.refusing(&[405]);

pub async fn update<F: Format>(
    Auth(app, principal): Auth,
    Id(id): Id,
    sent: Sent<ChangesBody, Plain>,
) -> Handled<F::One> {
    let endpoint = parse::<F>(&id)?;
    let read = |body| Changes::read(body, F::EVENTS);
    let (changes, _) = sent.read(&app, read).await?;
    let updated = endpoints::update(&app, principal, F::SURFACE, endpoint, changes).await;
    shown::<F>(updated, &id)
}

pub const DELETE: Docs = docs(GROUP, "deleteWebhookEndpoint", "Delete a webhook endpoint");

pub async fn delete<F: Format>(Auth(app, principal): Auth, Id(id): Id) -> Handled<F::Deleted> {
    let endpoint = parse::<F>(&id)?;
    let deleted = endpoints::delete(&app, principal, F::SURFACE, endpoint).await;
    deleted.map_err(|error| named::<F>(error, &id))?;
    Ok(Reply::of(F::deleted(endpoint)))
}
