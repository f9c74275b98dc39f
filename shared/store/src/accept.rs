//! Accepting payments. One statement writes the payment, its customer, sealed card, idempotency key,
//! first history entry and job, or nothing.

use std::collections::HashMap;
use std::time::Duration;

use domain::id::{CustomerId, DeliveryId};
use domain::job::{Job, Worker};
use domain::payment::{EXPIRES_AFTER, Payment, State};
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Result;
use crate::batch::Statement;
use crate::effects::{Deliveries, Effects, HistoryEntry};
use crate::idempotency::Existing;
use crate::jobs::FIRST_PUBLISH_DELAY;
use crate::snapshot;
use crate::vault::Sealed;

/// The event of the first entry of a payment's history.
pub(crate) const CREATED: &str = "created";

/// A request to accept a payment. Its ids are generated before the first try, so that the statement
/// may run again without creating a second payment.
#[derive(Clone)]
pub struct Accept {
    /// The payment to store. Its customer's id is used only if no customer has the same email address.
    pub payment: Payment,
    /// The card, sealed to the card worker.
    pub card: Option<Sealed>,
    /// The request's idempotency key, if the client sent one.
    pub idempotency: Option<Key>,
}

/// An idempotency key and the request it was sent with.
#[derive(Debug, Clone)]
pub struct Key {
    /// As the client sent it, 1 to 255 characters.
    pub key: String,
    /// HMAC of the request.
    pub fingerprint: Vec<u8>,
}

/// The outcome of an [`Accept`].
#[derive(Debug)]
pub enum Accepted {
    /// The payment is stored.
    Created {
        /// When, by the database's clock.
        created_at: OffsetDateTime,
        /// The payment's customer: a new one, or the existing one with the same email address.
        customer_id: Option<CustomerId>,
        /// The deliveries of a new customer's event, to publish.
        jobs: Vec<Job>,
    },
    /// An earlier request used the idempotency key.
    Existing(Existing),
}

/// A response as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body, byte for byte.
    pub body: String,
}

/// A row of the statement's input.
#[derive(Serialize)]
struct Input<'a> {
    ord: usize,
    payment_id: Uuid,
    merchant_id: Uuid,
    live: bool,
    state: &'static str,
    amount: String,
    currency: &'static str,
    exponent: u32,
    method: &'static str,
    description: Option<&'a str>,
    metadata: &'a Map<String, Value>,
    customer_id: Option<Uuid>,
    customer_email: Option<&'a str>,
    customer_name: Option<&'a str>,
    customer_phone: Option<&'a str>,
    brand: Option<&'static str>,
    last4: Option<&'a str>,
    exp_month: Option<u8>,
    exp_year: Option<u16>,
    key_id: Option<Uuid>,
    sealed: Option<String>,
    idem_key: Option<&'a str>,
    idem_fingerprint: Option<String>,
    intent_id: Option<Uuid>,
    checkout: Option<Value>,
    expires_in: Option<f64>,
    effects: Effects,
    customer_effects: Option<Effects>,
}

impl Input<'_> {
    fn customer_event(&self) -> Option<Uuid> {
        self.customer_effects.as_ref().and_then(Effects::event_id)
    }
}

impl Accept {
    fn input(&self, ord: usize) -> Input<'_> {
        let payment = &self.payment;
        let customer = payment.customer.as_ref();
        let card = payment.card.as_ref();
        let idempotency = self.idempotency.as_ref();
        let expires_in = (payment.state == State::Created).then_some(EXPIRES_AFTER);
        Input {
            ord,
            payment_id: payment.id.0,
            merchant_id: payment.merchant_id.0,
            live: payment.mode.is_live(),
            state: payment.state.name(),
            amount: payment.money.amount().to_string(),
            currency: payment.money.currency().code(),
            exponent: payment.money.currency().exponent(),
            method: payment.method.name(),
            description: payment.description.as_deref(),
            metadata: &payment.metadata,
            customer_id: customer.map(|customer| customer.id.0),
            customer_email: customer.and_then(|customer| customer.email.as_deref()),
            customer_name: customer.and_then(|customer| customer.name.as_deref()),
            customer_phone: customer.and_then(|customer| customer.phone.as_deref()),
            brand: card.map(|card| card.brand.name()),
            last4: card.map(|card| card.last4.as_str()),
            exp_month: card.map(|card| card.exp_month),
            exp_year: card.map(|card| card.exp_year),
            key_id: self.card.as_ref().map(|sealed| sealed.key_id),
            sealed: self.card.as_ref().map(|sealed| hex::encode(&sealed.bytes)),
            idem_key: idempotency.map(|key| key.key.as_str()),
            idem_fingerprint: idempotency.map(|key| hex::encode(&key.fingerprint)),
            intent_id: payment.intent_id.map(|intent| intent.0),
            checkout: payment.checkout.as_ref().map(snapshot::write_checkout),
            expires_in: expires_in.map(|wait| wait.as_secs_f64()),
            effects: self.effects(expires_in.unwrap_or(FIRST_PUBLISH_DELAY)),
            customer_effects: customer.map(|customer| self.new_effects().new_customer(customer)),
        }
    }

    fn new_effects(&self) -> Effects {
        Effects::new(self.payment.merchant_id, self.payment.mode)
    }

    fn effects(&self, due_in: Duration) -> Effects {
        let created = HistoryEntry {
            event: CREATED,
            state: self.payment.state,
            authorization: None,
        };
        let id = self.payment.id;
        self.new_effects()
            .history(id, -1, &[created])
            .job(Worker::Card, id.0, due_in)
    }
}

impl Statement for Accept {
    type Row = Accept;
    type Output = Accepted;
    const CONNECTIONS: u32 = 2;

    async fn run(db: &mut PgConnection, rows: &[Accept]) -> Result<Vec<Option<Accepted>>> {
        let input: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(ord, row)| row.input(ord))
            .collect();
        let events: Vec<_> = input.iter().map(Input::customer_event).collect();
        let outputs = sqlx::query_file!("src/accept.sql", Json(&input) as _)
            .fetch_all(db)
            .await?;
        let mut found = HashMap::with_capacity(rows.len());
        let mut deliveries = Deliveries::default();
        for row in &outputs {
            if let (Some(event), Some(delivery)) = (row.event_id, row.delivery_id) {
                deliveries.add(event, DeliveryId(delivery));
            }
        }
        for row in outputs {
            let Some(ord) = row.ord.and_then(|ord| usize::try_from(ord).ok()) else {
                continue;
            };
            let event = events.get(ord).copied().flatten();
            let accepted = match (row.created_at, row.existing) {
                (Some(created_at), _) => Accepted::Created {
                    created_at,
                    customer_id: row.customer_id.map(CustomerId),
                    jobs: deliveries.take(event),
                },
                (None, Some(subject)) => Accepted::Existing(Existing {
                    subject,
                    fingerprint: row.fingerprint.unwrap_or_default(),
                    response: response_of(row.status, row.body),
                    stale: row.stale.unwrap_or(false),
                }),
                (None, None) => continue,
            };
            found.insert(ord, accepted);
        }
        Ok((0..).zip(rows).map(|(ord, _)| found.remove(&ord)).collect())
    }
}

pub(crate) fn response_of(status: Option<i16>, body: Option<String>) -> Option<StoredResponse> {
    let status = u16::try_from(status?).ok()?;
    Some(StoredResponse {
        status,
        body: body?,
    })
}
