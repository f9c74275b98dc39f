//! Accepting a payment: one statement writes the payment, its customer, its sealed card, its
//! idempotency key, its first line of history and its job, or nothing.

use std::collections::HashMap;

use domain::id::{CustomerId, EventId, MerchantId, PaymentId};
use domain::merchant::Mode;
use domain::payment::Payment;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Result;
use crate::batch::Statement;
use crate::vault::Sealed;

/// A request to accept. All ids are made before the first try, so that it may run again.
#[derive(Clone)]
pub struct Accept {
    /// The payment as it shall be. Its customer's id is used only if the address is new.
    pub payment: Payment,
    /// The card, sealed to the card worker.
    pub card: Option<Sealed>,
    /// The caller's idempotency key.
    pub idempotency: Option<Key>,
    /// The id of the event that tells of its customer, if that is new.
    pub customer_event: EventId,
}

/// An idempotency key and what it was first used for.
#[derive(Debug, Clone)]
pub struct Key {
    /// As the client sent it, 1 to 255 characters.
    pub key: String,
    /// HMAC of the request.
    pub fingerprint: Vec<u8>,
}

/// What became of a request.
#[derive(Debug)]
pub enum Accepted {
    /// It is stored.
    Created {
        /// When, by the database's clock.
        created_at: OffsetDateTime,
        /// The customer it was attached to.
        customer_id: Option<CustomerId>,
    },
    /// Its idempotency key was used before.
    Existing {
        /// The payment made then.
        payment_id: PaymentId,
        /// The fingerprint of the request then.
        fingerprint: Vec<u8>,
        /// The answer given then, if one was.
        response: Option<StoredResponse>,
        /// Whether the key is past its 24 hours and may be used anew.
        stale: bool,
    },
}

/// An answer as it went over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body, byte for byte.
    pub body: String,
}

/// Columns of the input, one vector each, as `unnest` wants them.
#[derive(Default)]
struct Columns {
    payment_id: Vec<Uuid>,
    merchant_id: Vec<Uuid>,
    live: Vec<bool>,
    state: Vec<&'static str>,
    amount: Vec<rust_decimal::Decimal>,
    currency: Vec<&'static str>,
    exponent: Vec<i16>,
    description: Vec<Option<String>>,
    metadata: Vec<serde_json::Value>,
    customer_id: Vec<Option<Uuid>>,
    customer_email: Vec<Option<String>>,
    customer_name: Vec<Option<String>>,
    customer_phone: Vec<Option<String>>,
    brand: Vec<Option<&'static str>>,
    last4: Vec<Option<String>>,
    exp_month: Vec<Option<i16>>,
    exp_year: Vec<Option<i16>>,
    key_id: Vec<Option<Uuid>>,
    sealed: Vec<Option<Vec<u8>>>,
    idem_key: Vec<Option<String>>,
    idem_fingerprint: Vec<Option<Vec<u8>>>,
    intent_id: Vec<Option<Uuid>>,
    checkout: Vec<Option<serde_json::Value>>,
    customer_event_id: Vec<Uuid>,
}

impl Columns {
    fn of(rows: &[Accept]) -> Self {
        let mut columns = Self::default();
        for row in rows {
            columns.push(row);
        }
        columns
    }

    fn push(&mut self, row: &Accept) {
        let payment = &row.payment;
        self.payment_id.push(payment.id.0);
        self.merchant_id.push(payment.merchant_id.0);
        self.live.push(payment.mode.is_live());
        self.state.push(payment.state.name());
        self.amount.push(payment.money.amount());
        self.currency.push(payment.money.currency().code());
        self.exponent
            .push(i16::try_from(payment.money.currency().exponent()).unwrap_or_default());
        self.description.push(payment.description.clone());
        self.metadata
            .push(serde_json::Value::Object(payment.metadata.clone()));
        let customer = payment.customer.as_ref();
        self.customer_id
            .push(customer.map(|customer| customer.id.0));
        self.customer_email
            .push(customer.and_then(|customer| customer.email.clone()));
        self.customer_name
            .push(customer.and_then(|customer| customer.name.clone()));
        self.customer_phone
            .push(customer.and_then(|customer| customer.phone.clone()));
        let card = payment.card.as_ref();
        self.brand.push(card.map(|card| card.brand.name()));
        self.last4.push(card.map(|card| card.last4.clone()));
        self.exp_month
            .push(card.map(|card| i16::from(card.exp_month)));
        self.exp_year
            .push(card.and_then(|card| i16::try_from(card.exp_year).ok()));
        self.key_id
            .push(row.card.as_ref().map(|sealed| sealed.key_id));
        self.sealed
            .push(row.card.as_ref().map(|sealed| sealed.bytes.clone()));
        self.idem_key
            .push(row.idempotency.as_ref().map(|key| key.key.clone()));
        self.idem_fingerprint
            .push(row.idempotency.as_ref().map(|key| key.fingerprint.clone()));
        self.intent_id
            .push(payment.intent_id.map(|intent| intent.0));
        self.checkout
            .push(payment.checkout.as_ref().map(|checkout| json!(checkout)));
        self.customer_event_id.push(row.customer_event.0);
    }
}

impl Statement for Accept {
    type Row = Accept;
    type Output = Accepted;
    const CONNECTIONS: u32 = 2;

    async fn run(db: &mut PgConnection, rows: &[Accept]) -> Result<Vec<Option<Accepted>>> {
        let columns = Columns::of(rows);
        let outputs = sqlx::query_file!(
            "src/accept.sql",
            &columns.payment_id,
            &columns.merchant_id,
            &columns.live,
            &columns.state as _,
            &columns.amount,
            &columns.currency as _,
            &columns.exponent,
            &columns.description as _,
            &columns.metadata,
            &columns.customer_id as _,
            &columns.customer_email as _,
            &columns.customer_name as _,
            &columns.customer_phone as _,
            &columns.brand as _,
            &columns.last4 as _,
            &columns.exp_month as _,
            &columns.exp_year as _,
            &columns.key_id as _,
            &columns.sealed as _,
            &columns.idem_key as _,
            &columns.idem_fingerprint as _,
            &columns.intent_id as _,
            &columns.checkout as _,
            &columns.customer_event_id,
        )
        .fetch_all(db)
        .await?;
        let mut found = HashMap::with_capacity(rows.len());
        for row in outputs {
            let accepted = match (row.created_at, row.existing) {
                (Some(created_at), _) => Accepted::Created {
                    created_at,
                    customer_id: row.customer_id.map(CustomerId),
                },
                (None, Some(payment_id)) => Accepted::Existing {
                    payment_id: PaymentId(payment_id),
                    fingerprint: row.fingerprint.unwrap_or_default(),
                    response: response_of(row.status, row.body),
                    stale: row.stale.unwrap_or(false),
                },
                (None, None) => continue,
            };
            found.insert(row.ord, accepted);
        }
        Ok((1..).zip(rows).map(|(ord, _)| found.remove(&ord)).collect())
    }
}

pub(crate) fn response_of(status: Option<i16>, body: Option<String>) -> Option<StoredResponse> {
    let status = u16::try_from(status?).ok()?;
    Some(StoredResponse {
        status,
        body: body?,
    })
}

/// Forgets a key that is past its 24 hours, so that it may be used anew.
///
/// # Errors
/// If the database cannot.
pub async fn delete_expired_key(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    key: &str,
) -> Result<()> {
    sqlx::query!(
        "delete from idempotency_keys
         where merchant_id = $1 and live = $2 and (select act_for($1, $2)) and key = $3
           and created_at < now() - interval '24 hours'",
        merchant.0,
        mode.is_live(),
        key
    )
    .execute(db)
    .await?;
    Ok(())
}
