//! Payments: the card worker claims them, and only [`Transition`] changes their state.

mod claim;
mod list;
mod read;
mod transition;

use domain::authorization;
use domain::card::{Brand, MaskedCard};
use domain::id::{AuthorizationId, CustomerId, IntentId, MerchantId, PaymentId};
use domain::merchant::Mode;
use domain::money::{Currency, Money};
use domain::payment::{Customer, Failure, Method, Payment, State};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

pub use self::claim::{CardPayment, discard_unsent, not_found};
pub use self::list::{Filter, list};
pub use self::read::Read;
pub use self::transition::{Approval, AttemptTransition, Transition, Transitions, Written};
use crate::{Error, Result, snapshot};

/// The columns a payment is read from.
struct Row {
    id: Uuid,
    merchant_id: Uuid,
    live: bool,
    state: String,
    failure: Option<String>,
    amount: Decimal,
    currency: String,
    method: String,
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
    intent_id: Option<Uuid>,
    checkout: Option<Value>,
    refunded: Decimal,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl Row {
    fn read(self) -> Result<Payment> {
        self.payment()
            .ok_or(Error::Unreadable { table: "payments" })
    }

    fn payment(self) -> Option<Payment> {
        let currency = Currency::parse_stored(&self.currency)?;
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
        let checkout = match self.checkout {
            Some(checkout) => Some(snapshot::read_checkout(checkout)?),
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
            method: Method::parse(&self.method)?,
            description: self.description,
            metadata,
            customer,
            card,
            intent_id: self.intent_id.map(IntentId),
            checkout,
            refunded: self.refunded,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// A merchant's payment, including one that pays an intent.
pub async fn get(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    id: PaymentId,
) -> Result<Option<Payment>> {
    let row = sqlx::query_as!(
        Row,
        r#"select p.id, p.merchant_id, p.live, p.state, p.failure, p.amount, p.currency,
                  p.method, p.description, p.metadata, p.customer_id, c.email as "customer_email?",
                  c.name as "customer_name?", c.phone as "customer_phone?", p.card_brand, p.card_last4, p.card_exp_month,
                  p.card_exp_year, p.intent_id, p.checkout, p.refunded, p.created_at, p.updated_at
           from payments p left join customers c on c.id = p.customer_id
           where p.id = $1 and p.merchant_id = $2 and p.live = $3 and (select act_for($2, $3))"#,
        id.0,
        merchant.0,
        mode.is_live(),
    )
    .fetch_optional(db)
    .await?;
    row.map(Row::read).transpose()
}

/// A payment with a hosted page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosted {
    /// The payment.
    pub payment: Payment,
    /// When it expires if it is not paid.
    pub expires_at: Option<OffsetDateTime>,
}

/// The payment of any merchant with this id, if it has a hosted page.
pub async fn hosted(db: &PgPool, id: PaymentId) -> Result<Option<Hosted>> {
    let row = sqlx::query!(
        "select merchant_id, live, expires_at from payments
         where id = $1 and checkout is not null and (select by_public_id($1))",
        id.0,
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let payment = get(db, MerchantId(row.merchant_id), Mode::of(row.live), id).await?;
    Ok(payment.map(|payment| Hosted {
        payment,
        expires_at: row.expires_at,
    }))
}

/// An attempt to authorize a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its id, which is also the reference at the acquirer.
    pub id: AuthorizationId,
    /// Its number within the payment, from 1.
    pub number: u16,
    /// Its state.
    pub state: authorization::State,
    /// The acquirer it is sent to.
    pub acquirer: String,
}

impl Attempt {
    fn read(id: Uuid, attempt: i16, state: &str, acquirer: String) -> Result<Self> {
        let state = authorization::State::parse(state);
        Ok(Self {
            id: AuthorizationId(id),
            number: number(attempt),
            state: state.ok_or(Error::Unreadable {
                table: "authorizations",
            })?,
            acquirer,
        })
    }

    /// Whether it no longer decides about the payment but still needs the worker.
    fn is_closed_in_progress(&self) -> bool {
        !self.state.is_open() && self.state.is_in_progress()
    }
}

fn number(attempt: i16) -> u16 {
    u16::try_from(attempt).unwrap_or_default()
}

/// Reads a payment's state and version and one of its attempts again without a claim: for a worker that
/// received an acquirer's response after another worker moved the payment.
pub async fn reread(
    db: &PgPool,
    payment: PaymentId,
    attempt: AuthorizationId,
) -> Result<Option<(State, i32, Attempt)>> {
    let row = sqlx::query!(
        "select p.state, p.version, a.id, a.attempt, a.state as attempt_state, a.acquirer
         from payments p join authorizations a on a.payment_id = p.id
         where p.id = $1 and a.id = $2",
        payment.0,
        attempt.0,
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let state = State::parse(&row.state).ok_or(Error::Unreadable { table: "payments" })?;
    let attempt = Attempt::read(row.id, row.attempt, &row.attempt_state, row.acquirer)?;
    Ok(Some((state, row.version, attempt)))
}
