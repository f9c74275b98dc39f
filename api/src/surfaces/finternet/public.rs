//! Operations for the payer's browser. They need no key: anyone with an intent's id can read and
//! pay it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE,
};
use axum::response::{IntoResponse, Response};
use domain::id::IntentId;
use domain::intent::{Intent, Paid};
use domain::merchant::PublicIntents;
use domain::payment::{Failure, Payment};
use domain::risk;
use serde_json::Map;
use sha2::{Digest, Sha256};
use store::accept::{Key, StoredResponse};
use store::merchants::{self, Principal};
use tracing::Instrument;
use uuid::Uuid;
use wire::Body;
use wire::error::SurfaceError;
use wire::finternet::error::{Error, NOT_CHARGEABLE, NOT_PAYABLE};
use wire::finternet::request::{self, CardPaymentBody};
use wire::finternet::response::{Envelope, PaymentIntent};

use super::{closed, find};
use crate::App;
use crate::actions::card_testing::{self, Admitted};
use crate::actions::idempotency::ApiResponse;
use crate::actions::payments::{self, New};
use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};
use crate::surfaces::handler::{ClientAddress, Handled, Id, KeyHolder, Reply, Sent, of};

const GROUP: &str = "Paying";

/// An intent in its envelope.
type Shown = Envelope<PaymentIntent<'static>>;

/// Responds to the CORS preflight request that a browser sends before cross-origin JSON.
pub async fn preflight() -> Response {
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

pub const READ: Docs = docs(
    GROUP,
    "getPublicPaymentIntent",
    "Read a payment intent as its payer",
)
.description(
    "Anyone with the id can read it. An operator can hide the merchant, the settlement destination \
     and the metadata of your payment intents here; those fields are then null.",
);

pub async fn read(State(app): State<Arc<App>>, Id(id): Id) -> Handled<Shown> {
    let intent = find(&app, &id).await?;
    let choice = merchants::for_payers(&app.db, intent.merchant_id).await?;
    Ok(Reply::of(
        Envelope::public(&intent, choice.public_intents).body(),
    ))
}

pub const PAY: Docs = docs(GROUP, "payPaymentIntent", "Pay a payment intent by card")
    .description(
        "Waits up to 8 seconds for the outcome. After a decline, another card can be tried, five in all. \
         Without your key, an address that tries more than 30 cards in an hour, or has 10 declined, \
         gets 429 for an hour.",
    )
    .example(
        r#"{ "card": {
            "cardNumber": "4242 4242 4242 4242", "expiry": "12/30", "cvv": "123", "name": "John Doe"
        } }"#,
    )
    .refusing(&[403]);

pub async fn pay(
    State(app): State<Arc<App>>,
    ClientAddress(from): ClientAddress,
    KeyHolder(holder): KeyHolder,
    Id(id): Id,
    sent: Sent<CardPaymentBody>,
) -> Handled<Shown> {
    let intent = find(&app, &id).await?;
    let payers = merchants::for_payers(&app.db, intent.merchant_id).await?;
    if payers.is_disabled {
        return Err(ApiError::MerchantDisabled.into());
    }
    let (card, key) = sent.read(&app, request::card).await?;
    let money = intent.money.on_a_card();
    let money = money.map_err(|_| Error::of(&NOT_CHARGEABLE))?;
    let (id, merchant, mode) = (intent.id, intent.merchant_id, intent.mode);
    // A merchant's own server pays for many payers from one address.
    let is_own = holder.is_some_and(|holder| (holder.merchant_id, holder.mode) == (merchant, mode));
    let admitted = if is_own {
        None
    } else {
        Some(card_testing::admit(&app, from, &card, merchant, mode).await?)
    };
    if let Some(admitted) = admitted.as_ref().filter(|admitted| admitted.is_listed) {
        admitted.record(&app, risk::of_blocklist()).await;
        admitted.wait(true).await;
        return Err(Error::payment_failed(Failure::CardDeclined).into());
    }
    let new = New {
        money,
        payer: None,
        card: Some(card),
        description: intent.description.clone(),
        metadata: Map::new(),
        intent_id: Some(intent.id),
        checkout: None,
    };
    let choice = payers.public_intents;
    // A task of its own, so that a decline is counted even if the client disconnects.
    let paying = pay_and_count(Arc::clone(&app), intent, new, key, choice, admitted);
    let paying = tokio::spawn(paying.in_current_span());
    let created = paying
        .await
        .map_err(|error| ApiError::internal(&format!("paying an intent: {error}")))?;
    match created {
        Err(ApiError::IntentClosed) => {
            Err(Error::not_now(&NOT_PAYABLE, closed(&app, id).await?).into())
        }
        created => Ok(created?.into()),
    }
}

/// Pays the intent. If the card was tried without the merchant's key, counts a decline of it, and does not answer
/// too soon.
async fn pay_and_count(
    app: Arc<App>,
    intent: Intent,
    new: New,
    key: Option<Key>,
    choice: PublicIntents,
    admitted: Option<Admitted>,
) -> Result<ApiResponse, ApiError> {
    // The payer has no key, so the payment is created in the name of the intent's merchant.
    let principal = Principal {
        key_id: Uuid::nil(),
        merchant_id: intent.merchant_id,
        mode: intent.mode,
        rate_limit: None,
    };
    let key = key.map(|key| of_payers(&key, intent.id));
    let is_declined = AtomicBool::new(false);
    let render = |payment: &Payment| {
        let failure = payment.failure;
        is_declined.store(failure.is_some_and(risk::is_decline), Ordering::Relaxed);
        paid(&intent, payment, choice)
    };
    let created = payments::create(&app, principal, new, key, render).await;
    let Some(admitted) = admitted else {
        return created;
    };
    match &created {
        Ok(created) if !created.is_replay && is_declined.load(Ordering::Relaxed) => {
            admitted.count_decline(&app).await;
        }
        Err(ApiError::TooManyCards) => admitted.record(&app, risk::of_intent()).await,
        _ => {}
    }
    let status = created.as_ref().map(|created| created.response.status);
    admitted
        .wait(status.is_ok_and(|status| status >= 400))
        .await;
    created
}

/// Scopes a payer's idempotency key to the intent, so that it does not collide with the merchant's
/// keys: no header has the arrow, because it is not ASCII. The hash bounds the key's length.
fn of_payers(key: &Key, intent: IntentId) -> Key {
    let digest = Sha256::digest(key.key.as_bytes());
    Key {
        key: format!("{intent}→{}", hex::encode(digest)),
        fingerprint: key.fingerprint.clone(),
    }
}

/// Renders the intent after its payment, or the error if the payment failed.
fn paid(intent: &Intent, payment: &Payment, choice: PublicIntents) -> StoredResponse {
    if let Some(failure) = payment.failure {
        return of(&Error::payment_failed(failure));
    }
    let intent = Intent {
        paid: Some(Paid::by(payment)),
        ..intent.clone()
    };
    Reply::<Shown>::stored(Envelope::public(&intent, choice).body())
}
