//! What a payer's browser asks, without a key: whoever knows an intent's id may read and pay it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE,
};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::id::IntentId;
use domain::intent::{Intent, Paid};
use domain::merchant::PublicIntents;
use domain::payment::Payment;
use domain::surface::Surface;
use serde_json::Map;
use sha2::{Digest, Sha256};
use store::accept::{Key, StoredResponse};
use store::merchants::{self, Principal};
use uuid::Uuid;
use wire::finternet::error::Error;
use wire::finternet::request;
use wire::finternet::response::Envelope;

use super::{Named, answer_of, closed, find, ok, on_chain, respond, text};
use crate::App;
use crate::actions::idempotency::{self, ApiResponse};
use crate::actions::payments::{self, New};
use crate::error::ApiError;

pub fn paths() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/v1/payment-intents/public/{id}",
            get(retrieve).options(preflight),
        )
        .route(
            "/v1/payment-intents/public/{id}/payment",
            post(pay).options(preflight),
        )
        .route(
            "/v1/payment-intents/public/{id}/transaction-hash",
            post(on_chain::transaction_hash).options(preflight),
        )
}

/// What a browser asks before it sends JSON to another origin.
async fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "Content-Type, Authorization, X-API-Key, Idempotency-Key",
        ),
        (ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

async fn retrieve(State(app): State<Arc<App>>, id: Named) -> Response {
    respond(try_retrieve(&app, &text(id)).await.map(ApiResponse::new))
}

async fn try_retrieve(app: &App, id: &str) -> Result<StoredResponse, Error> {
    let intent = find(app, id).await?;
    let choice = choice(app, &intent).await?;
    Ok(ok(Envelope::public(&intent, choice).body()))
}

/// What the intent's merchant lets strangers read.
async fn choice(app: &App, intent: &Intent) -> Result<PublicIntents, ApiError> {
    Ok(merchants::public_intents(&app.db, intent.merchant_id).await?)
}

async fn pay(State(app): State<Arc<App>>, id: Named, request: Request) -> Response {
    respond(try_pay(&app, &text(id), request).await)
}

async fn try_pay(app: &Arc<App>, id: &str, request: Request) -> Result<ApiResponse, Error> {
    let intent = find(app, id).await?;
    let (body, key) = idempotency::read(app, Surface::Finternet, request).await?;
    let card = request::card(body)?;
    let money = intent.money.on_a_card();
    let new = New {
        money: money.map_err(|_| Error::not_chargeable())?,
        payer: None,
        card: Some(card),
        description: intent.description.clone(),
        metadata: Map::new(),
        intent_id: Some(intent.id),
        checkout: None,
    };
    // The payer pays the merchant; nobody else is known here.
    let principal = Principal {
        key_id: Uuid::nil(),
        merchant_id: intent.merchant_id,
        mode: intent.mode,
        rate_limit: None,
    };
    let key = key.map(|key| of_payers(&key, intent.id));
    let choice = choice(app, &intent).await?;
    let render = |payment: &Payment| paid(&intent, payment, choice);
    match payments::create(app, principal, new, key, render).await {
        Err(ApiError::IntentClosed) => Err(Error::not_payable(closed(app, intent.id).await?)),
        made => Ok(made?),
    }
}

/// A payer's key is the intent's own: it is never the same as one of the merchant's.
fn of_payers(key: &Key, intent: IntentId) -> Key {
    let digest = Sha256::digest(key.key.as_bytes());
    Key {
        key: format!("{intent} {}", hex::encode(digest)),
        fingerprint: key.fingerprint.clone(),
    }
}

/// The intent as its payment leaves it, or why the card was not charged.
fn paid(intent: &Intent, payment: &Payment, choice: PublicIntents) -> StoredResponse {
    if let Some(failure) = payment.failure {
        return answer_of(&Error::payment_failed(failure));
    }
    let intent = Intent {
        paid: Some(Paid::by(payment)),
        ..intent.clone()
    };
    ok(Envelope::public(&intent, choice).body())
}
