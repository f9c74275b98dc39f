//! The stored form of events. It is separate from the domain's types, so that they can change without
//! making old events unreadable. A new format gets a new version and a reader beside this one.

mod endpoint;
mod intent;

use domain::card::{Brand, MaskedCard};
use domain::customer::Customer;
use domain::event::{Event, EventType, Subject};
use domain::id::{CustomerId, IntentId, MerchantId, PaymentId, RefundId};
use domain::merchant::Mode;
use domain::money::{Currency, Money};
use domain::payment::{self, Checkout, Failure, Method, Payment};
use domain::refund::{self, Refund};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use self::endpoint::EndpointV1;
use self::intent::IntentV1;

/// The version that [`write`] writes.
pub(crate) const VERSION: i16 = 1;

/// The columns of an event beside its snapshot.
pub(crate) struct Header {
    pub(crate) event_type: EventType,
    pub(crate) merchant_id: MerchantId,
    pub(crate) mode: Mode,
    pub(crate) subject_id: Uuid,
    /// When the event happened. Replaces timestamps that the snapshot lacks, because the statement that
    /// stored it also set them.
    pub(crate) at: OffsetDateTime,
}

#[derive(Serialize, Deserialize)]
struct Amount {
    #[serde(with = "rust_decimal::serde::str")]
    amount: Decimal,
    currency: String,
}

#[derive(Serialize, Deserialize)]
struct PaymentV1 {
    state: String,
    failure: Option<String>,
    money: Amount,
    method: String,
    description: Option<String>,
    metadata: Map<String, Value>,
    customer: Option<PayerV1>,
    card: Option<CardV1>,
    intent_id: Option<Uuid>,
    checkout: Option<CheckoutV1>,
    #[serde(with = "rust_decimal::serde::str")]
    refunded: Decimal,
    created_at: i64,
    updated_at: i64,
}

#[derive(Serialize, Deserialize)]
struct PayerV1 {
    id: Uuid,
    email: Option<String>,
    name: Option<String>,
    phone: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct CardV1 {
    brand: String,
    last4: String,
    exp_month: u8,
    exp_year: u16,
}

#[derive(Serialize, Deserialize)]
struct CheckoutV1 {
    items: Vec<String>,
    return_url: String,
}

impl From<&Checkout> for CheckoutV1 {
    fn from(checkout: &Checkout) -> Self {
        Self {
            items: checkout.items.clone(),
            return_url: checkout.return_url.clone(),
        }
    }
}

impl CheckoutV1 {
    fn read(self) -> Checkout {
        Checkout {
            items: self.items,
            return_url: self.return_url,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct RefundV1 {
    payment_id: Uuid,
    state: String,
    money: Amount,
    reason: Option<String>,
    created_at: i64,
}

#[derive(Serialize, Deserialize)]
struct CustomerV1 {
    email: Option<String>,
    name: Option<String>,
    phone: Option<String>,
    description: Option<String>,
    metadata: Map<String, Value>,
    /// Missing if the customer was created with a payment; the event's time replaces it.
    created_at: Option<i64>,
    updated_at: Option<i64>,
}

/// The snapshot of an event's subject.
pub(crate) fn write(event: &Event) -> Value {
    match &event.subject {
        Subject::Payment(payment) => json!(PaymentV1::from(payment)),
        Subject::Refund(refund) => json!(RefundV1::from(refund)),
        Subject::Customer(customer) => json!(CustomerV1::from(customer)),
        Subject::Intent { now, previous } => json!(IntentV1::of(now, *previous)),
        Subject::Endpoint(endpoint) => json!(EndpointV1::of(endpoint)),
    }
}

/// The column `checkout` of a payment.
pub(crate) fn write_checkout(checkout: &Checkout) -> Value {
    json!(CheckoutV1::from(checkout))
}

/// The inverse of [`write_checkout`].
pub(crate) fn read_checkout(data: Value) -> Option<Checkout> {
    from::<CheckoutV1>(data).map(CheckoutV1::read)
}

/// The snapshot of a customer that the same statement creates, without timestamps.
pub(crate) fn write_new_customer(payer: &payment::Customer) -> Value {
    json!(CustomerV1 {
        email: payer.email.clone(),
        name: payer.name.clone(),
        phone: payer.phone.clone(),
        description: None,
        metadata: Map::new(),
        created_at: None,
        updated_at: None,
    })
}

/// Reads a snapshot; `None` if it has an unknown version or is damaged.
pub(crate) fn read(header: &Header, version: i16, data: Value) -> Option<Event> {
    if version != VERSION {
        return None;
    }
    let subject = match header.event_type {
        EventType::PaymentSucceeded | EventType::PaymentFailed => {
            Subject::Payment(from::<PaymentV1>(data)?.read(header)?)
        }
        EventType::RefundSucceeded | EventType::RefundFailed => {
            Subject::Refund(from::<RefundV1>(data)?.read(header)?)
        }
        EventType::CustomerCreated | EventType::CustomerUpdated => {
            Subject::Customer(from::<CustomerV1>(data)?.read(header)?)
        }
        EventType::IntentCreated | EventType::IntentStatusChanged => {
            from::<IntentV1>(data)?.read(header)?
        }
        EventType::EndpointDisabled | EventType::EndpointTest => {
            Subject::Endpoint(from::<EndpointV1>(data)?.read(header)?)
        }
    };
    Some(Event {
        event_type: header.event_type,
        subject,
    })
}

fn from<T: for<'de> Deserialize<'de>>(data: Value) -> Option<T> {
    serde_json::from_value(data).ok()
}

fn time(seconds: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self {
            amount: money.amount(),
            currency: money.currency().code().to_owned(),
        }
    }
}

impl Amount {
    fn read(&self) -> Option<Money> {
        let currency = Currency::parse_stored(&self.currency);
        let currency = currency.or_else(|| Currency::parse_token(&self.currency))?;
        Money::from_major(self.amount, currency).ok()
    }
}

impl From<&Payment> for PaymentV1 {
    fn from(payment: &Payment) -> Self {
        Self {
            state: payment.state.name().to_owned(),
            failure: payment.failure.map(|failure| failure.name().to_owned()),
            money: payment.money.into(),
            method: payment.method.name().to_owned(),
            description: payment.description.clone(),
            metadata: payment.metadata.clone(),
            customer: payment.customer.as_ref().map(|payer| PayerV1 {
                id: payer.id.0,
                email: payer.email.clone(),
                name: payer.name.clone(),
                phone: payer.phone.clone(),
            }),
            card: payment.card.as_ref().map(|card| CardV1 {
                brand: card.brand.name().to_owned(),
                last4: card.last4.clone(),
                exp_month: card.exp_month,
                exp_year: card.exp_year,
            }),
            intent_id: payment.intent_id.map(|id| id.0),
            checkout: payment.checkout.as_ref().map(CheckoutV1::from),
            refunded: payment.refunded,
            created_at: payment.created_at.unix_timestamp(),
            updated_at: payment.updated_at.unix_timestamp(),
        }
    }
}

impl PaymentV1 {
    fn read(self, header: &Header) -> Option<Payment> {
        let card = match self.card {
            None => None,
            Some(card) => Some(MaskedCard {
                brand: Brand::parse(&card.brand)?,
                last4: card.last4,
                exp_month: card.exp_month,
                exp_year: card.exp_year,
            }),
        };
        Some(Payment {
            id: PaymentId(header.subject_id),
            merchant_id: header.merchant_id,
            mode: header.mode,
            state: payment::State::parse(&self.state)?,
            failure: match self.failure {
                None => None,
                Some(name) => Some(Failure::parse(&name)?),
            },
            money: self.money.read()?,
            method: Method::parse(&self.method)?,
            description: self.description,
            metadata: self.metadata,
            customer: self.customer.map(|payer| payment::Customer {
                id: CustomerId(payer.id),
                email: payer.email,
                name: payer.name,
                phone: payer.phone,
            }),
            card,
            intent_id: self.intent_id.map(IntentId),
            checkout: self.checkout.map(CheckoutV1::read),
            refunded: self.refunded,
            created_at: time(self.created_at)?,
            updated_at: time(self.updated_at)?,
        })
    }
}

impl From<&Refund> for RefundV1 {
    fn from(refund: &Refund) -> Self {
        Self {
            payment_id: refund.payment_id.0,
            state: refund.state.name().to_owned(),
            money: refund.money.into(),
            reason: refund.reason.clone(),
            created_at: refund.created_at.unix_timestamp(),
        }
    }
}

impl RefundV1 {
    fn read(self, header: &Header) -> Option<Refund> {
        Some(Refund {
            id: RefundId(header.subject_id),
            payment_id: PaymentId(self.payment_id),
            // Refunds of intents' payments have no events.
            intent_id: None,
            merchant_id: header.merchant_id,
            mode: header.mode,
            state: refund::State::parse(&self.state)?,
            money: self.money.read()?,
            reason: self.reason,
            created_at: time(self.created_at)?,
            updated_at: header.at,
        })
    }
}

impl From<&Customer> for CustomerV1 {
    fn from(customer: &Customer) -> Self {
        Self {
            email: customer.email.clone(),
            name: customer.name.clone(),
            phone: customer.phone.clone(),
            description: customer.description.clone(),
            metadata: customer.metadata.clone(),
            created_at: Some(customer.created_at.unix_timestamp()),
            updated_at: Some(customer.updated_at.unix_timestamp()),
        }
    }
}

impl CustomerV1 {
    fn read(self, header: &Header) -> Option<Customer> {
        let time_or_event_time = |seconds: Option<i64>| seconds.map_or(Some(header.at), time);
        Some(Customer {
            id: CustomerId(header.subject_id),
            merchant_id: header.merchant_id,
            mode: header.mode,
            email: self.email,
            name: self.name,
            phone: self.phone,
            description: self.description,
            metadata: self.metadata,
            created_at: time_or_event_time(self.created_at)?,
            updated_at: time_or_event_time(self.updated_at)?,
        })
    }
}
