//! Payments: read, claimed by the card worker, and changed by [`Change`] alone.

use std::collections::HashMap;

use domain::authorization;
use domain::card::{Brand, MaskedCard};
use domain::id::{AuthorizationId, CustomerId, DeliveryId, MerchantId, PaymentId};
use domain::ledger::Posting;
use domain::merchant::Mode;
use domain::money::{Currency, Money};
use domain::notice::Notice;
use domain::payment::{Customer, Failure, Method, Payment, State};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::batch::Statement;
use crate::vault::Sealed;
use crate::{Error, Result};

/// How long a claimed job is left to its worker; every provider call ends well before.
pub const LEASE_SECONDS: f64 = 20.0;

/// The columns a payment is read from.
struct Row {
    id: Uuid,
    merchant_id: Uuid,
    live: bool,
    state: String,
    failure: Option<String>,
    amount: Decimal,
    currency: String,
    description: Option<String>,
    metadata: Value,
    customer_id: Option<Uuid>,
    customer_email: Option<String>,
    customer_name: Option<String>,
    customer_phone: Option<String>,
    card_brand: Option<String>,
    card_last4: Option<String>,
    card_exp_month: Option<i16>,
    card_exp_year: Option<i16>,
    created_at: OffsetDateTime,
}

impl Row {
    fn read(self) -> Result<Payment> {
        self.payment()
            .ok_or(Error::Unreadable { table: "payments" })
    }

    fn payment(self) -> Option<Payment> {
        let currency = Currency::parse(&self.currency)?;
        let customer = self.customer_id.map(|id| Customer {
            id: CustomerId(id),
            email: self.customer_email,
            name: self.customer_name,
            phone: self.customer_phone,
        });
        let card = match (self.card_brand, self.card_last4) {
            (Some(brand), Some(last4)) => Some(MaskedCard {
                brand: Brand::parse(&brand)?,
                last4,
                exp_month: u8::try_from(self.card_exp_month?).ok()?,
                exp_year: u16::try_from(self.card_exp_year?).ok()?,
            }),
            _ => None,
        };
        let failure = match self.failure {
            Some(failure) => Some(Failure::parse(&failure)?),
            None => None,
        };
        let Value::Object(metadata) = self.metadata else {
            return None;
        };
        Some(Payment {
            id: PaymentId(self.id),
            merchant_id: MerchantId(self.merchant_id),
            mode: Mode::of(self.live),
            state: State::parse(&self.state)?,
            failure,
            money: Money::from_major(self.amount, currency).ok()?,
            method: Method::Card,
            description: self.description,
            metadata,
            customer,
            card,
            created_at: self.created_at,
        })
    }
}

/// A merchant's payment, if it has one with this id in this mode.
///
/// # Errors
/// If the database cannot answer.
pub async fn get(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    id: PaymentId,
) -> Result<Option<Payment>> {
    let row = sqlx::query_as!(
        Row,
        r#"select p.id, p.merchant_id, p.live, p.state, p.failure, p.amount, p.currency,
                  p.description, p.metadata, p.customer_id, c.email as "customer_email?",
                  c.name as "customer_name?", c.phone as "customer_phone?", p.card_brand, p.card_last4, p.card_exp_month,
                  p.card_exp_year, p.created_at
           from payments p left join customers c on c.id = p.customer_id
           where p.id = $1 and p.merchant_id = $2 and p.live = $3"#,
        id.0,
        merchant.0,
        mode.is_live(),
    )
    .fetch_optional(db)
    .await?;
    row.map(Row::read).transpose()
}

/// A ring of the card worker's bell, on its way to a claim.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The payment.
    pub payment_id: PaymentId,
    /// The ring's sequence; a stale one claims nothing.
    pub seq: i64,
    /// Names this claim. If the payment needs a new attempt, it becomes the attempt's id, and so
    /// our reference, stored before anything is sent.
    pub lease: AuthorizationId,
}

/// An attempt as it stands.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// Its id, and our reference.
    pub id: AuthorizationId,
    /// The how many-th of its payment, from 1.
    pub number: u16,
    /// Where it stands.
    pub state: authorization::State,
}

/// A payment in the card worker's hands until the lease ends.
#[derive(Debug)]
pub struct Claimed {
    /// The payment.
    pub payment: Payment,
    /// Its version, the guard of every change.
    pub version: i32,
    /// Consecutive claims without success, this one included.
    pub claims: i16,
    /// The merchant's fee in ten-thousandths.
    pub fee_basis_points: u16,
    /// How long until the payment expires, if it can; zero if that is past.
    pub expires_in_seconds: Option<f64>,
    /// The sealed card, while it is kept.
    pub card: Option<Sealed>,
    /// The open attempt.
    pub attempt: Option<Attempt>,
    /// An attempt whose approval must be voided.
    pub voiding: Option<Attempt>,
}

impl Statement for Claim {
    type Row = Claim;
    /// `None`: somebody else holds the job, or the ring is stale.
    type Answer = Option<Claimed>;

    async fn run(db: &PgPool, rows: &[Claim]) -> Result<Vec<Option<Self::Answer>>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.payment_id.0).collect();
        let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
        let leases: Vec<Uuid> = rows.iter().map(|row| row.lease.0).collect();
        let claimed = sqlx::query_file!("src/claim.sql", &ids, &seqs, &leases, LEASE_SECONDS,)
            .fetch_all(db)
            .await?;
        let mut found = HashMap::with_capacity(claimed.len());
        for row in claimed {
            let lease = AuthorizationId(row.lease);
            let attempt = attempt_of(row.attempt_id, row.attempt, row.attempt_state.as_deref())?;
            let voiding = attempt_of(row.voiding_id, row.voiding_attempt, Some("voiding"))?;
            let card = row.key_id.zip(row.sealed);
            let payment = Row {
                id: row.id,
                merchant_id: row.merchant_id,
                live: row.live,
                state: row.state,
                failure: row.failure,
                amount: row.amount,
                currency: row.currency,
                description: row.description,
                metadata: row.metadata,
                customer_id: row.customer_id,
                customer_email: row.customer_email,
                customer_name: row.customer_name,
                customer_phone: row.customer_phone,
                card_brand: row.card_brand,
                card_last4: row.card_last4,
                card_exp_month: row.card_exp_month,
                card_exp_year: row.card_exp_year,
                created_at: row.created_at,
            };
            let claimed = Claimed {
                payment: payment.read()?,
                version: row.version,
                claims: row.claims,
                fee_basis_points: u16::try_from(row.fee_basis_points).unwrap_or_default(),
                expires_in_seconds: row.expires_in,
                card: card.map(|(key_id, bytes)| Sealed { key_id, bytes }),
                attempt,
                voiding,
            };
            found.insert(lease, claimed);
        }
        Ok(rows
            .iter()
            .map(|row| Some(found.remove(&row.lease)))
            .collect())
    }
}

fn attempt_of(
    id: Option<Uuid>,
    number: Option<i16>,
    state: Option<&str>,
) -> Result<Option<Attempt>> {
    let (Some(id), Some(number), Some(state)) = (id, number, state) else {
        return Ok(None);
    };
    let unreadable = Error::Unreadable {
        table: "authorizations",
    };
    let Some(state) = authorization::State::parse(state) else {
        return Err(unreadable);
    };
    let number = u16::try_from(number).unwrap_or_default();
    Ok(Some(Attempt {
        id: AuthorizationId(id),
        number,
        state,
    }))
}

/// What becomes of the card worker's job with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// The worker goes on at once; its lease begins anew.
    Keep,
    /// The worker must look at it soon, whether or not it is on the calendar already.
    Put,
    /// Nothing is left to do.
    Clear,
}

impl Job {
    const fn name(self) -> &'static str {
        match self {
            Job::Keep => "keep",
            Job::Put => "put",
            Job::Clear => "clear",
        }
    }
}

/// One event's whole effect on a payment: the only thing that changes one.
///
/// Row, history, authorization, ledger, sealed card, job, event and deliveries are written in one
/// statement, guarded by the version that was read.
#[derive(Debug, Clone)]
pub struct Change {
    /// The payment.
    pub payment_id: PaymentId,
    /// The version that was read.
    pub version: i32,
    /// What happened, for the history.
    pub event: &'static str,
    /// The state that follows.
    pub state: State,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// The attempt it happened to, and the attempt's state that follows.
    pub authorization: Option<(AuthorizationId, authorization::State)>,
    /// HMAC of the card number.
    pub fingerprint: Option<Vec<u8>>,
    /// Whether the outcome is known, so that the sealed card must go.
    pub forget_card: bool,
    /// What it means for the books.
    pub postings: Vec<Posting>,
    /// What the merchant is told.
    pub notice: Option<Notice>,
    /// What becomes of the job.
    pub job: Job,
}

/// What a change did.
#[derive(Debug)]
pub enum Changed {
    /// It is written.
    Written {
        /// The payment's version now.
        version: i32,
        /// The deliveries it made, to be rung.
        deliveries: Vec<DeliveryId>,
    },
    /// Somebody else changed the payment first: read it again and decide anew.
    Overtaken,
}

impl Statement for Change {
    type Row = Change;
    type Answer = Changed;

    async fn run(db: &PgPool, rows: &[Change]) -> Result<Vec<Option<Changed>>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.payment_id.0).collect();
        let versions: Vec<i32> = rows.iter().map(|row| row.version).collect();
        let events: Vec<&str> = rows.iter().map(|row| row.event).collect();
        let states: Vec<&str> = rows.iter().map(|row| row.state.name()).collect();
        let failures = each(rows, |row| row.failure.map(Failure::name));
        let authorizations = each(rows, |row| row.authorization.map(|(id, _)| id.0));
        let authorization_states = each(rows, |row| row.authorization.map(|(_, to)| to.name()));
        let fingerprints = each(rows, |row| row.fingerprint.as_deref());
        let forget: Vec<bool> = rows.iter().map(|row| row.forget_card).collect();
        let postings: Vec<Value> = rows.iter().map(|row| identified(&row.postings)).collect();
        let event_ids = each(rows, |row| row.notice.as_ref().map(|_| crate::fresh_id()));
        let kinds = each(rows, |row| {
            row.notice.as_ref().map(|notice| notice.kind.name())
        });
        let notices = each(rows, |row| row.notice.as_ref().map(|notice| json!(notice)));
        let jobs: Vec<&str> = rows.iter().map(|row| row.job.name()).collect();
        let written = sqlx::query_file!(
            "src/change.sql",
            &ids,
            &versions,
            &events as _,
            &states as _,
            &failures as _,
            &authorizations as _,
            &authorization_states as _,
            &fingerprints as _,
            &forget,
            &postings,
            &event_ids as _,
            &kinds as _,
            &notices as _,
            &jobs as _,
            LEASE_SECONDS,
        )
        .fetch_all(db)
        .await?;
        let (mut versions, mut deliveries) = (HashMap::new(), HashMap::<_, Vec<_>>::new());
        for row in written {
            if let (Some(ord), Some(version)) = (row.ord, row.version) {
                versions.insert(ord, version);
            }
            if let (Some(delivery), Some(event)) = (row.delivery_id, row.event_id) {
                deliveries
                    .entry(event)
                    .or_default()
                    .push(DeliveryId(delivery));
            }
        }
        let answers = (1..)
            .zip(event_ids)
            .map(|(ord, event)| match versions.remove(&ord) {
                None => Some(Changed::Overtaken),
                Some(version) => {
                    let deliveries = event.and_then(|event| deliveries.remove(&event));
                    let deliveries = deliveries.unwrap_or_default();
                    Some(Changed::Written {
                        version,
                        deliveries,
                    })
                }
            });
        Ok(answers.collect())
    }
}

fn each<'a, T>(rows: &'a [Change], value: impl Fn(&'a Change) -> Option<T>) -> Vec<Option<T>> {
    rows.iter().map(value).collect()
}

/// Postings with ids of their own, as the statement takes them.
fn identified(postings: &[Posting]) -> Value {
    let identify = |posting: &Posting| json!({"id": crate::fresh_id(), "kind": posting.kind, "entries": posting.entries});
    postings.iter().map(identify).collect()
}

/// Reads a payment's version and one of its attempts again, without claiming anything: for a
/// worker that was overtaken and holds an answer of its own.
///
/// # Errors
/// If the database cannot answer.
pub async fn reread(
    db: &PgPool,
    payment: PaymentId,
    attempt: AuthorizationId,
) -> Result<Option<(State, i32, Attempt)>> {
    let row = sqlx::query!(
        "select p.state, p.version, a.id, a.attempt, a.state as attempt_state
         from payments p join authorizations a on a.payment_id = p.id
         where p.id = $1 and a.id = $2",
        payment.0,
        attempt.0,
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let state = State::parse(&row.state).ok_or(Error::Unreadable { table: "payments" })?;
    let attempt = attempt_of(Some(row.id), Some(row.attempt), Some(&row.attempt_state))?;
    Ok(attempt.map(|attempt| (state, row.version, attempt)))
}
