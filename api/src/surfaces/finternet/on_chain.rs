//! What only a payment on chain needs. The contract has these paths; this gateway has no chain, and
//! says so after the rules that hold for any intent.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use store::merchants::Principal;
use wire::finternet::error::Error;

use super::{Named, find, find_own, respond, text};
use crate::App;

pub fn paths() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/payment-intents/{id}/confirm", post(confirm))
        .route("/v1/payment-intents/{id}/escrow", get(escrow))
        .route(
            "/v1/payment-intents/{id}/escrow/delivery-proof",
            post(escrow),
        )
        .route("/v1/payment-intents/{id}/escrow/dispute", post(escrow))
        .route("/v1/payment-intents/{id}/escrow/milestones", post(escrow))
        .route(
            "/v1/payment-intents/{id}/escrow/milestones/{milestone}/complete",
            post(milestone),
        )
}

async fn confirm(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    id: Named,
) -> Response {
    let found = find_own(&app, principal, &text(id)).await;
    respond(found.and_then(|_| Err(Error::on_chain_unavailable())))
}

pub async fn transaction_hash(State(app): State<Arc<App>>, id: Named) -> Response {
    let found = find(&app, &text(id)).await;
    respond(found.and_then(|_| Err(Error::on_chain_unavailable())))
}

async fn escrow(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    id: Named,
) -> Response {
    let id = text(id);
    let found = find_own(&app, principal, &id).await;
    respond(found.and_then(|_| Err(Error::escrow_missing(&id))))
}

async fn milestone(
    app: State<Arc<App>>,
    principal: Extension<Principal>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    escrow(app, principal, path.map(|Path((id, _))| Path(id))).await
}
