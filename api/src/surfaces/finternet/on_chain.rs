//! Operations that only an on-chain payment needs. The API includes these paths, but this gateway
//! supports no chain yet: the handlers look up the intent as usual, then return an error.

use std::sync::Arc;

use axum::extract::State;
use wire::error::SurfaceError;
use wire::finternet::error::{ESCROW_MISSING, Error, ON_CHAIN_UNAVAILABLE};

use super::{find, find_own};
use crate::App;
use crate::openapi::operation::{Docs, docs};
use crate::surfaces::handler::{Auth, Id, Refusal};

const GROUP: &str = "On-chain payments";
const BY_CARD: &str = "Not available on this gateway: the response is 400. Pay by card instead. \
                       The request body is ignored.";
const NO_ESCROW: &str = "Not available on this gateway: no payment intent has an escrow, so the \
                         response is 404. The request body is ignored.";

pub const CONFIRM: Docs = docs(
    GROUP,
    "confirmPaymentIntent",
    "Confirm a payment intent by signature",
)
.description(BY_CARD);

pub async fn confirm(Auth(app, principal): Auth, Id(id): Id) -> Refusal {
    let found = find_own(&app, principal, &id).await;
    found
        .err()
        .unwrap_or_else(|| Error::of(&ON_CHAIN_UNAVAILABLE).into())
}

pub const TRANSACTION_HASH: Docs = docs(
    GROUP,
    "setTransactionHash",
    "Report a payment intent's transaction hash",
)
.description(BY_CARD);

pub async fn transaction_hash(State(app): State<Arc<App>>, Id(id): Id) -> Refusal {
    let found = find(&app, &id).await;
    found
        .err()
        .unwrap_or_else(|| Error::of(&ON_CHAIN_UNAVAILABLE).into())
}

pub const READ_ESCROW: Docs = no_escrow("getEscrow", "Read the escrow");
pub const PROVE: Docs = no_escrow("createDeliveryProof", "Prove a delivery");
pub const DISPUTE: Docs = no_escrow("createDispute", "Dispute a delivery");
pub const ADD_MILESTONE: Docs = no_escrow("createMilestone", "Add a milestone");
pub const COMPLETE_MILESTONE: Docs = no_escrow("completeMilestone", "Complete a milestone");

const fn no_escrow(id: &'static str, summary: &'static str) -> Docs {
    docs(GROUP, id, summary).description(NO_ESCROW)
}

pub async fn escrow(Auth(app, principal): Auth, Id(id): Id) -> Refusal {
    let found = find_own(&app, principal, &id).await;
    found
        .err()
        .unwrap_or_else(|| Error::missing(&ESCROW_MISSING, &id).into())
}
