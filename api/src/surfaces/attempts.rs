//! What webhooks do: the attempts of an endpoint, resends, tests, and rolling its secret. The operations are
//! the same on every surface with endpoints.

use domain::endpoint::Endpoint;
use domain::id::AttemptId;
use store::accept::StoredResponse;
use store::merchants::Principal;
use wire::attempt::{
    self, AttemptsParameters, Delivery, NothingBody, ResendBody, RollBody, Wanted,
};
use wire::subscription;

use super::endpoints::{Format, GROUP, Missing, named, parse};
use super::handler::{Auth, Handled, Id, Optional, Query, Refusal, Reply, Sent, SubId};
use crate::App;
use crate::actions::{webhook_deliveries as deliveries, webhook_endpoints as endpoints};
use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};

pub const LIST: Docs = docs(
    GROUP,
    "listWebhookAttempts",
    "List the attempts of an endpoint",
)
.description("Every request that was sent to the endpoint, newest first, and what came back.");

pub async fn list<F: Format>(
    Auth(app, principal): Auth,
    Id(id): Id,
    query: Query<AttemptsParameters>,
) -> Handled<F::Attempts> {
    let wanted = Wanted::read(&query.0).map_err(ApiError::Parameter)?;
    let endpoint = find::<F>(&app, principal, &id).await?;
    let (found, has_more) = deliveries::list(&app, principal, &endpoint, &wanted).await?;
    Ok(Reply::of(F::attempts(&wanted.page, &found, has_more)))
}

pub const READ: Docs = docs(GROUP, "getWebhookAttempt", "Read an attempt");

pub async fn read<F: Format>(
    Auth(app, principal): Auth,
    Id(id): Id,
    SubId(attempt): SubId,
) -> Handled<F::Attempt> {
    let endpoint = find::<F>(&app, principal, &id).await?;
    let missing = || F::missing(Missing::Attempt, &attempt);
    let parsed = AttemptId::parse(&attempt).ok_or_else(missing)?;
    match deliveries::find(&app, principal, &endpoint, parsed).await {
        Err(ApiError::Missing(_)) => Err(missing()),
        found => Ok(Reply::of(F::attempt(&found?))),
    }
}

/// Finds the merchant's endpoint by its id as the client sent it.
async fn find<F: Format>(app: &App, principal: Principal, id: &str) -> Result<Endpoint, Refusal> {
    let found = endpoints::stored(app, principal, F::SURFACE, parse::<F>(id)?).await;
    found.map_err(|error| named::<F>(error, id))
}

pub const RESEND: Docs = docs(GROUP, "resendWebhook", "Send an event again")
    .description(
        "Sends an event that was sent to this endpoint before, with the same `webhook-id`. If it is \
         still waiting for its next attempt, that is made now. The endpoint's pause ends.",
    )
    .example(r#"{ "event": "evt_0000000000000000000001" }"#)
    .refusing(&[404]);

pub async fn resend<F: Format>(
    Auth(app, principal): Auth,
    Id(id): Id,
    sent: Sent<ResendBody>,
) -> Handled<F::Delivery> {
    let endpoint = find::<F>(&app, principal, &id).await?;
    let (event, key) = sent.read(&app, attempt::resend).await?;
    match deliveries::resend(&app, principal, &endpoint, event, key, delivery::<F>).await {
        Err(ApiError::Missing(_)) => Err(F::missing(Missing::Event, &event.to_string())),
        sent => Ok(sent?.into()),
    }
}

fn delivery<F: Format>(delivery: &Delivery) -> StoredResponse {
    Reply::<F::Delivery>::stored(F::delivery(delivery))
}

pub const TEST: Docs = docs(GROUP, "testWebhookEndpoint", "Send a test event")
    .description(
        "Sends an event of type `webhook_endpoint.test` to this endpoint alone, whatever it subscribed \
         to. Its object is the endpoint. If an earlier test event is still waiting for its next \
         attempt, that is made now. The endpoint's pause ends.",
    )
    .example("{}");

pub async fn test<F: Format>(
    Auth(app, principal): Auth,
    Id(id): Id,
    sent: Sent<NothingBody, Optional>,
) -> Handled<F::Delivery> {
    let endpoint = find::<F>(&app, principal, &id).await?;
    let ((), key) = sent.read(&app, attempt::nothing).await?;
    let sent = deliveries::test(&app, principal, &endpoint, key, delivery::<F>).await?;
    Ok(sent.into())
}

pub const ROLL: Docs = docs(GROUP, "rollWebhookSecret", "Roll the secret of an endpoint")
    .description(
        "Makes a new `secret`. Store it; it is not shown again. For `overlap` seconds, \
         `webhook-signature` has a signature of the secret before it too. Another roll in this time ends \
         the overlap. The Ed25519 key stays.",
    )
    .example(r#"{ "overlap": 86400 }"#);

pub async fn roll<F: Format>(
    Auth(app, principal): Auth,
    Id(id): Id,
    sent: Sent<RollBody, Optional>,
) -> Handled<F::One> {
    let endpoint = find::<F>(&app, principal, &id).await?;
    let (overlap, key) = sent.read(&app, attempt::roll).await?;
    let render = |endpoint: &subscription::Endpoint, secret: &str| {
        Reply::<F::One>::stored(F::one(endpoint, Some(secret)))
    };
    let rolled = endpoints::roll_secret(&app, principal, &endpoint, overlap, key, render).await;
    Ok(rolled.map_err(|error| named::<F>(error, &id))?.into())
}
