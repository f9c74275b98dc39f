//! Compares a response with the documented one.

use std::mem::discriminant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// Members whose values differ each time: ids and times. Only their form is compared.
const NEW: [&str; 11] = [
    "id",
    "merchantId",
    "id_payment",
    "customer",
    "created",
    "updated",
    "startedAt",
    "completedAt",
    "created_at",
    "updated_at",
    "created_on",
];

/// Checks that a response has everything that is documented, with the documented values.
pub fn check(answer: &Value, printed: &Value) -> Result<()> {
    compare("", answer, printed).with_context(|| format!("{answer} is not {printed}"))
}

fn compare(name: &str, answer: &Value, printed: &Value) -> Result<()> {
    match (answer, printed) {
        (Value::Object(members), Value::Object(printed)) => {
            for (name, printed) in printed {
                let member = members.get(name);
                compare(name, member.with_context(|| format!("no {name}"))?, printed)?;
            }
        }
        (Value::Array(items), Value::Array(printed)) => {
            ensure!(items.len() == printed.len(), "{} {name}", items.len());
            for (item, printed) in items.iter().zip(printed) {
                compare(name, item, printed)?;
            }
        }
        _ if NEW.contains(&name) => {
            let is_alike = discriminant(answer) == discriminant(printed);
            ensure!(is_alike && form(answer) == form(printed), "{name} {answer}");
        }
        _ => ensure!(answer == printed, "{name} {answer}"),
    }
    Ok(())
}

/// The form of an id (its prefix), of a UUID, or of a time (where its digits are).
fn form(value: &Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let is_plain = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match text.split_once('_') {
        Some((prefix, rest)) if is_plain(rest) && !rest.is_empty() => prefix.to_owned(),
        _ => text.replace(|letter: char| letter.is_ascii_hexdigit(), "0"),
    }
}

#[test]
fn the_documented_members_must_be_there() {
    let printed = json!({
        "id": "pay_1234567890", "amount": 5000, "created": 1_699_564_800,
        "at": {"created_at": "2024-03-15T10:30:00Z", "items": [{"status": "succeeded"}]},
    });
    let answer = |pointer: &str, value: Value| {
        let mut answer = printed.clone();
        if let Some(member) = answer.pointer_mut(pointer) {
            *member = value;
        }
        check(&answer, &printed).is_ok()
    };
    for (pointer, value) in [
        ("/id", json!("pay_0351FsBhSOBpYQOKPhbU9H")),
        ("/created", json!(1_795_237_353)),
        ("/at/created_at", json!("2026-01-01T00:00:00Z")),
        ("/at/items/0", json!({"status": "succeeded", "more": true})),
    ] {
        assert!(answer(pointer, value.clone()), "{pointer} {value}");
    }
    for (pointer, value) in [
        ("/id", json!("cus_0351FsBhSOBpYQOKPhbU9H")),
        ("/id", json!("pay_")),
        ("/id", json!(1)),
        ("/amount", json!(5001)),
        ("/amount", json!("5000")),
        ("/created", json!("1795237353")),
        ("/created", json!(0)),
        ("/at/created_at", json!("2026-01-01T00:00:00.5Z")),
        ("/at", json!({"items": [{"status": "succeeded"}]})),
        ("/at/items", json!([])),
        ("/at/items/0/status", json!("failed")),
    ] {
        assert!(!answer(pointer, value.clone()), "{pointer} {value}");
    }
}
