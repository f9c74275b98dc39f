//! Test data: arbitrary JSON, and one object of each kind.

use domain::card::{Brand, MaskedCard};
use domain::customer::Customer;
use domain::endpoint::{DisabledReason, Endpoint, Health};
use domain::event::{Event, EventType, Subject};
use domain::id::{CustomerId, EndpointId, EventId, IntentId, MerchantId, PaymentId, RefundId};
use domain::intent::{Intent, Kind, Paid, SettlementMethod, Terms};
use domain::merchant::Mode;
use domain::money::{Currency, Money};
use domain::payment::{self, Method, Payment};
use domain::refund::{self, Refund};
use domain::surface::Surface;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Error, Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::event;
use crate::fields::{FieldError, Why};

/// Any JSON value with a few levels of nesting.
pub fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The items of a JSON array.
pub fn items(array: Value) -> Vec<Value> {
    serde_json::from_value(array).unwrap_or_default()
}

/// Whether the error says that the field `name` has a wrong type or value.
pub fn is_invalid(error: Option<FieldError>, name: &str) -> bool {
    matches!(error, Some(FieldError { param, why: Why::Invalid(_) }) if param == name)
}

/// Returns the body with the value at `pointer` replaced or added.
pub fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    if let Some(Value::Object(parent)) = body.pointer_mut(parent) {
        parent.insert(name.to_owned(), value);
    }
    body
}

const MERCHANT: MerchantId = MerchantId(Uuid::from_u128(0x0193_8d0b_0000_7000_8000_0000_0000_000f));
const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(0x0193_8d0b_0000_7000_8000_0000_0000_0001));
const CUSTOMER: CustomerId = CustomerId(Uuid::from_u128(0x0193_8d0b_0000_7000_8000_0000_0000_0002));
const REFUND: RefundId = RefundId(Uuid::from_u128(0x0193_8d0b_0000_7000_8000_0000_0000_0003));
const INTENT: IntentId = IntentId(Uuid::from_u128(0x0193_8d0b_0000_7000_8000_0000_0000_0004));

/// The value of a sample, which is always there.
pub fn sample<T>(value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| serde::de::Error::custom("a sample is wrong"))
}

/// An amount. `code` must be a currency or a stablecoin.
pub fn money(minor: i64, code: &str) -> Result<Money, Error> {
    let currency = Currency::parse(code).or_else(|| Currency::parse_token(code));
    sample(Money::from_minor(minor, sample(currency)?).ok())
}

fn at(timestamp: i64) -> Result<OffsetDateTime, Error> {
    sample(OffsetDateTime::from_unix_timestamp(timestamp).ok())
}

fn object(value: Value) -> Result<Map<String, Value>, Error> {
    serde_json::from_value(value)
}

/// The body of the webhook about an event, if the surface sends one.
pub fn webhook(surface: Surface, event_type: EventType, subject: Subject) -> Option<Value> {
    let event = Event {
        event_type,
        subject,
    };
    let id = EventId(Uuid::from_u128(1));
    let body = event::render(surface, id, &event, OffsetDateTime::UNIX_EPOCH)?;
    serde_json::from_str(&body).ok()
}

/// A captured payment of 50.00 USD, of which `refunded` is refunded.
pub fn payment(refunded: &str) -> Result<Payment, Error> {
    Ok(Payment {
        id: PAYMENT,
        merchant_id: MERCHANT,
        mode: Mode::Test,
        state: payment::State::Captured,
        failure: None,
        money: money(5_000, "USD")?,
        method: Method::Card,
        description: Some("Order #12345".to_owned()),
        metadata: Map::new(),
        customer: Some(payment::Customer {
            id: CUSTOMER,
            email: Some("customer@example.com".to_owned()),
            name: Some("John Doe".to_owned()),
            phone: None,
        }),
        card: Some(MaskedCard {
            brand: Brand::Visa,
            last4: "4242".to_owned(),
            exp_month: 12,
            exp_year: 2025,
        }),
        intent_id: None,
        checkout: None,
        refunded: sample(refunded.parse().ok())?,
        created_at: at(1_699_564_800)?,
        updated_at: at(1_699_564_801)?,
    })
}

/// A refund of 25.00 USD of [`payment()`], in this state.
pub fn refund(state: &str) -> Result<Refund, Error> {
    Ok(Refund {
        id: REFUND,
        payment_id: PAYMENT,
        intent_id: None,
        merchant_id: MERCHANT,
        mode: Mode::Test,
        state: sample(refund::State::parse(state))?,
        money: money(2_500, "USD")?,
        reason: Some("customer_request".to_owned()),
        created_at: at(1_699_564_900)?,
        updated_at: at(1_699_564_901)?,
    })
}

/// The customer of [`payment()`].
pub fn customer() -> Result<Customer, Error> {
    Ok(Customer {
        id: CUSTOMER,
        merchant_id: MERCHANT,
        mode: Mode::Test,
        email: Some("customer@example.com".to_owned()),
        name: Some("John Doe".to_owned()),
        phone: None,
        description: None,
        metadata: object(json!({"company": "Acme Inc"}))?,
        created_at: at(1_699_564_800)?,
        updated_at: at(1_699_564_800)?,
    })
}

/// An intent of 1000.00 USDC. `paid` is the state of its last payment, if it has one.
pub fn intent(paid: Option<&str>) -> Result<Intent, Error> {
    let paid = paid.map(|state| {
        Ok::<_, Error>(Paid {
            payment_id: PAYMENT,
            state: sample(payment::State::parse(state))?,
            failure: None,
            refunded: Decimal::ZERO,
            refunded_at: None,
            created_at: at(1_704_067_260)?,
            updated_at: at(1_704_067_380)?,
        })
    });
    Ok(Intent {
        id: INTENT,
        merchant_id: MERCHANT,
        mode: Mode::Test,
        money: money(1_000_000_000, "USDC")?,
        kind: Kind::DeliveryVsPayment,
        settlement_method: SettlementMethod::OffRampMock,
        settlement_destination: Some("9876543210".to_owned()),
        description: None,
        metadata: object(json!({"orderId": "ORD-123", "customerId": "CUST-456"}))?,
        terms: Terms {
            delivery_period_seconds: 2_592_000,
            expected_delivery_hash: None,
            auto_release: false,
            delivery_oracle: None,
        },
        paid: paid.transpose()?,
        canceled_at: None,
        created_at: at(1_704_067_200)?,
    })
}

/// An endpoint of this surface that was disabled because it is gone.
pub fn endpoint(surface: Surface) -> Result<Endpoint, Error> {
    Ok(Endpoint {
        id: EndpointId(Uuid::from_u128(5)),
        merchant_id: MERCHANT,
        mode: Mode::Test,
        surface,
        url: "https://example.com/webhooks".to_owned(),
        events: vec!["*".to_owned()],
        metadata: Map::new(),
        ed25519: true,
        is_active: false,
        health: Health {
            failing_since: Some(at(1_699_564_800)?),
            failures: 1,
            last_error: Some("the endpoint responded with 410".to_owned()),
            last_error_at: Some(at(1_699_564_800)?),
            disabled_reason: Some(DisabledReason::Gone),
            ..Health::default()
        },
        secret_version: 0,
        previous_secret_until: None,
        created_at: at(1_699_564_700)?,
        updated_at: at(1_699_564_800)?,
    })
}
