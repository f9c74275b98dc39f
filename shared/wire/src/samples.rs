//! What tests read and render: any JSON, and one object of each kind.

use domain::customer::Customer;
use domain::payment::Payment;
use domain::refund::Refund;
use proptest::prelude::*;
use serde_json::{Error, Value, from_value, json};

/// Any value of a few levels.
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

/// A body with the value at `pointer` replaced or added.
pub fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    if let Some(Value::Object(parent)) = body.pointer_mut(parent) {
        parent.insert(name.to_owned(), value);
    }
    body
}

/// A captured payment of 50.00 USD, with this much of it given back.
pub fn payment(refunded: &str) -> Result<Payment, Error> {
    from_value(json!({
        "id": "01938d0b-0000-7000-8000-000000000001",
        "merchant_id": "01938d0b-0000-7000-8000-00000000000f",
        "mode": "test", "state": "captured", "failure": null,
        "money": {"amount": "50.00", "currency": "USD"}, "method": "card",
        "description": "Order #12345", "metadata": {},
        "customer": {
            "id": "01938d0b-0000-7000-8000-000000000002",
            "email": "customer@example.com", "name": "John Doe", "phone": null
        },
        "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2025},
        "refunded": refunded, "created_at": 1_699_564_800, "updated_at": 1_699_564_801
    }))
}

/// A refund of 25.00 USD of that payment, in this state.
pub fn refund(state: &str) -> Result<Refund, Error> {
    from_value(json!({
        "id": "01938d0b-0000-7000-8000-000000000003",
        "payment_id": "01938d0b-0000-7000-8000-000000000001",
        "merchant_id": "01938d0b-0000-7000-8000-00000000000f",
        "mode": "test", "state": state,
        "money": {"amount": "25.00", "currency": "USD"},
        "reason": "customer_request", "created_at": 1_699_564_900
    }))
}

/// The customer of that payment.
pub fn customer() -> Result<Customer, Error> {
    from_value(json!({
        "id": "01938d0b-0000-7000-8000-000000000002",
        "merchant_id": "01938d0b-0000-7000-8000-00000000000f",
        "mode": "test", "email": "customer@example.com", "name": "John Doe", "phone": null,
        "description": null, "metadata": {"company": "Acme Inc"},
        "created_at": 1_699_564_800, "updated_at": 1_699_564_800
    }))
}
