//! paygate's paths: the generic payment gateway API under `/v1`.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use domain::id::PaymentId;
use domain::payment::Payment;
use domain::surface::Surface;
use store::accept::Answer;
use store::merchants::Caller;
use wire::paygate::error::Error;
use wire::paygate::request::CreatePayment;
use wire::paygate::{response, webhook};
use wire::subscription::Subscription;

use super::{Paths, answer, answer_once};
use crate::once::Answered;
use crate::payments::{self, New, Payer};
use crate::refused::Refused;
use crate::{App, endpoints, once};

pub fn paths() -> Paths {
    let known = Router::new()
        .route("/v1/payments", post(create_payment))
        .route("/v1/payments/", post(create_payment))
        .route("/v1/payments/{id}", get(get_payment))
        .route("/v1/webhooks", post(create_endpoint));
    Paths {
        known,
        open: Router::new(),
    }
}

async fn create_payment(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    match try_create_payment(&app, caller, request).await {
        Ok(answered) => answer_once(answered),
        Err(error) => answer(answer_of(&error)),
    }
}

async fn try_create_payment(
    app: &Arc<App>,
    caller: Caller,
    request: Request,
) -> Result<Answered, Error> {
    let (body, key) = once::read(app, Surface::Paygate, request).await?;
    let asked = CreatePayment::read(body)?;
    let new = New {
        money: asked.money,
        payer: asked.customer.map(|payer| Payer::Described {
            email: payer.email,
            name: payer.name,
            phone: payer.phone,
        }),
        card: asked.card,
        description: asked.description,
        metadata: asked.metadata,
        intent_id: None,
        checkout: None,
    };
    Ok(payments::create(app, caller, new, key, render).await?)
}

fn render(payment: &Payment) -> Answer {
    Answer {
        status: 200,
        body: response::Payment::of(payment).body(),
    }
}

async fn get_payment(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    // A path that is no text names nothing either; axum's own answer to it is not ours.
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    answer(match find(&app, caller, &id).await {
        Ok(payment) => render(&payment),
        Err(refused) => refuse(refused),
    })
}

async fn find(app: &App, caller: Caller, id: &str) -> Result<Payment, Refused> {
    let id = PaymentId::parse(id).ok_or(Refused::Missing("payment"))?;
    payments::find(app, caller, id).await
}

async fn create_endpoint(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    match register(&app, caller, request).await {
        Ok(answered) => answer_once(answered),
        Err(refused) => answer(refuse(refused)),
    }
}

async fn register(app: &App, caller: Caller, request: Request) -> Result<Answered, Refused> {
    let (body, key) = once::read(app, Surface::Paygate, request).await?;
    let asked = Subscription::read(body, &webhook::EVENTS)?;
    let made = endpoints::register(app, caller, Surface::Paygate, asked, key).await?;
    let endpoint = response::Endpoint::of(&made.endpoint, Some(&made.secret));
    Ok(Answered {
        answer: Answer {
            status: 200,
            body: endpoint.body(),
        },
        is_replay: made.is_replay,
    })
}

/// Turns a request away in this contract's words.
pub fn refuse(refused: Refused) -> Answer {
    answer_of(&Error::from(refused))
}

fn answer_of(error: &Error) -> Answer {
    Answer {
        status: error.status,
        body: error.body(),
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::KeyMissing => Error::key_missing(),
            Refused::KeyInvalid => Error::key_invalid(),
            Refused::TokenExpired => Error::token_expired(),
            Refused::RateLimited {
                retry_after_seconds,
            } => Error::rate_limited(retry_after_seconds),
            Refused::Body(why) => Error::body_unreadable(why),
            Refused::Field(wrong) => wrong.into(),
            Refused::RouteUnknown => Error::route_unknown(),
            Refused::MethodNotAllowed => Error::method_not_allowed(),
            Refused::Missing(what) => Error::missing(what),
            Refused::IdempotencyKeyMalformed => Error::key_malformed(),
            Refused::IdempotencyKeyReused => Error::key_reused(),
            Refused::UrlNotAllowed(why) => Error::url_not_allowed(why),
            Refused::TooManyEndpoints => Error::too_many_endpoints(),
            Refused::LiveUnavailable => Error::live_unavailable(),
            Refused::Unavailable => Error::unavailable(),
            Refused::NotRefundable => Error::not_refundable(),
            Refused::RefundTooLarge => Error::refund_too_large(),
            Refused::EmailTaken => Error::address_taken(),
            Refused::IntentClosed | Refused::Internal => Error::internal(),
        }
    }
}
