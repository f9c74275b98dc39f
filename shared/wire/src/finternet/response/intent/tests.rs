use serde_json::json;

use super::*;
use crate::Body;
use crate::finternet::response::Envelope;
use crate::samples::{intent, money, sample};

/// The contract's example of a retrieved intent.
const EXAMPLE: &str = r#"{
    "id": "intent_2xYz9AbC123", "object": "payment_intent", "status": "SUCCEEDED",
    "data": {
        "id": "intent_2xYz9AbC123", "merchantId": "merchant_abc123", "status": "SUCCEEDED",
        "amount": "1000.00", "currency": "USDC", "type": "DELIVERY_VS_PAYMENT",
        "settlementMethod": "OFF_RAMP_MOCK", "settlementDestination": "9876543210",
        "settlementStatus": "IN_PROGRESS",
        "contractAddress": "0x742d35Cc6634C0532925a3b844Bc9e7595f42318",
        "transactionHash": "0xabc123...", "chainId": 11155111,
        "signerAddress": "0x742d35Cc6634C0532925a3b844Bc9e7595f42318",
        "phases": [
            {"phase": "SIGNATURE_VERIFICATION", "status": "COMPLETED", "completedAt": 1704067200},
            {"phase": "BLOCKCHAIN_CONFIRMATION", "status": "COMPLETED", "completedAt": 1704067260},
            {"phase": "ESCROW_LOCKED", "status": "COMPLETED", "completedAt": 1704067320},
            {"phase": "SETTLEMENT", "status": "IN_PROGRESS", "startedAt": 1704067380}
        ],
        "metadata": {"orderId": "ORD-123", "customerId": "CUST-456"},
        "created": 1704067200, "updated": 1704067380
    },
    "created": 1704067200, "updated": 1704067380
}"#;

fn shown(intent: &Intent) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&Envelope::of(intent).body())
}

/// On-chain fields of the contract's example are null; all other fields are equal.
#[test]
fn a_paid_intent_reads_as_the_documents_print_it() -> Result<(), serde_json::Error> {
    let expected: Value = serde_json::from_str(EXAMPLE)?;
    let found = shown(&intent(Some("captured"))?)?;
    let on_chain = [
        "contractAddress",
        "transactionHash",
        "chainId",
        "signerAddress",
    ];
    let (outer, inner) = (expected.as_object(), expected["data"].as_object());
    for (name, value) in outer.into_iter().flatten().filter(|(_, v)| !v.is_object()) {
        assert!(name == "id" || found[name] == *value, "{name}: {found}");
    }
    for (name, value) in inner.into_iter().flatten() {
        let data = &found["data"];
        assert!(data.get(name).is_some(), "{name} is missing");
        match name.as_str() {
            "id" | "merchantId" => assert!(data[name].is_string()),
            "phases" => {}
            name if on_chain.contains(&name) => assert!(data[name].is_null()),
            name => assert_eq!(data[name], *value, "{name}"),
        }
    }
    assert_eq!(found["id"], found["data"]["id"]);
    Ok(())
}

#[test]
fn phases_say_what_has_happened() -> Result<(), serde_json::Error> {
    let signature = |status: &str, name: &str, at: i64| json!([{"phase": "SIGNATURE_VERIFICATION", "status": status, name: at}]);
    for (paid, status, settlement, phases) in [
        (
            None,
            "INITIATED",
            "PENDING",
            signature("IN_PROGRESS", "startedAt", 1_704_067_200),
        ),
        (
            Some("authorizing"),
            "PROCESSING",
            "PENDING",
            signature("IN_PROGRESS", "startedAt", 1_704_067_260),
        ),
        (
            Some("capturing"),
            "PROCESSING",
            "PENDING",
            signature("IN_PROGRESS", "startedAt", 1_704_067_260),
        ),
        (
            Some("failed"),
            "REQUIRES_ACTION",
            "PENDING",
            signature("FAILED", "completedAt", 1_704_067_380),
        ),
        (
            Some("captured"),
            "SUCCEEDED",
            "IN_PROGRESS",
            json!([
                {"phase": "SIGNATURE_VERIFICATION", "status": "COMPLETED", "completedAt": 1_704_067_380},
                {"phase": "SETTLEMENT", "status": "IN_PROGRESS", "startedAt": 1_704_067_380}
            ]),
        ),
    ] {
        let found = shown(&intent(paid)?)?;
        assert_eq!(found["status"], status);
        assert_eq!(found["data"]["status"], status);
        assert_eq!(found["data"]["settlementStatus"], settlement);
        assert_eq!(found["data"]["phases"], phases, "{status}");
    }
    let mut canceled = intent(None)?;
    canceled.canceled_at = Some(canceled.created_at + time::Duration::SECOND);
    let found = shown(&canceled)?;
    assert_eq!(found["status"], "CANCELED");
    let phases = signature("FAILED", "completedAt", 1_704_067_201);
    assert_eq!(found["data"]["phases"], phases);
    assert_eq!(found["updated"], 1_704_067_201);
    Ok(())
}

#[test]
fn a_charge_is_shown_once_there_is_one() -> Result<(), serde_json::Error> {
    let found = shown(&intent(None)?)?;
    assert_eq!(found["data"].get("fiatPaymentStatus"), None);
    for (state, status) in [
        ("authorizing", "pending"),
        ("captured", "succeeded"),
        ("failed", "failed"),
    ] {
        let found = shown(&intent(Some(state))?)?;
        let data = &found["data"];
        assert_eq!(data["fiatPaymentStatus"], status);
        let id = data["paymentProcessorTxId"].as_str();
        assert!(id.is_some_and(|id| id.starts_with("ch_")));
        for name in [
            "onRampStatus",
            "onRampTxId",
            "stablecoinAmount",
            "stablecoinCurrency",
        ] {
            assert_eq!(data.get(name), Some(&Value::Null), "{name}");
        }
    }
    Ok(())
}

#[test]
fn a_refund_changes_the_amount_and_the_time_but_no_phase() -> Result<(), serde_json::Error> {
    let mut paid = intent(Some("captured"))?;
    let before = shown(&paid)?;
    assert_eq!(before["data"].get("amountRefunded"), None);
    if let Some(payment) = &mut paid.paid {
        payment.refunded = money(2_550, "USD")?.amount();
        payment.refunded_at = Some(payment.updated_at + time::Duration::MINUTE);
    }
    let mut expected = before;
    expected["data"]["amountRefunded"] = "25.50".into();
    for pointer in ["/updated", "/data/updated"] {
        let updated = expected.pointer_mut(pointer);
        *sample(updated)? = 1_704_067_440.into();
    }
    assert_eq!(shown(&paid)?, expected);
    Ok(())
}

#[test]
fn an_anonymous_caller_reads_what_the_merchant_allows() -> Result<(), serde_json::Error> {
    let paid = intent(Some("captured"))?;
    let full = Envelope::public(&paid, PublicIntents::Full).body();
    assert_eq!(full, Envelope::of(&paid).body());
    let mut expected = shown(&paid)?;
    for name in ["merchantId", "settlementDestination", "metadata"] {
        expected["data"][name] = Value::Null;
    }
    let redacted = Envelope::public(&paid, PublicIntents::Redacted).body();
    assert_eq!(serde_json::from_str::<Value>(&redacted)?, expected);
    Ok(())
}

#[test]
fn an_account_is_the_destination_that_nobody_named() -> Result<(), serde_json::Error> {
    let mut unnamed = intent(None)?;
    unnamed.settlement_destination = None;
    let found = shown(&unnamed)?;
    assert_eq!(
        found["data"]["settlementDestination"],
        found["data"]["merchantId"]
    );
    Ok(())
}
