//! A payment intent.

use domain::id::render;
use domain::intent::{Intent, Kind, Paid, SettlementMethod, State};
use domain::merchant::PublicIntents;
use domain::payment;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::amount;
use crate::finternet::{CURRENCIES, kind, settlement_method, status};

/// A payment intent: what is to be paid, and how far that has come.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PaymentIntent")]
pub struct PaymentIntent<'a> {
    /// The payment intent's id. Whoever knows it can read the payment intent.
    id: String,
    /// Always `payment_intent`.
    #[schemars(extend("const" = PaymentIntent::OBJECT))]
    object: &'static str,
    /// Whose it is; null where you keep that from strangers.
    merchant_id: Option<String>,
    /// Where it stands. `REQUIRES_ACTION`: the last payment failed; another may follow.
    #[schemars(extend("enum" = State::ALL.map(status)))]
    status: &'static str,
    /// How much, as a decimal string.
    amount: String,
    /// The currency.
    #[schemars(extend("enum" = CURRENCIES))]
    currency: &'static str,
    /// Under which conditions the money is released.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = Kind::ALL.map(kind)))]
    kind: &'static str,
    /// What is paid for.
    description: Option<&'a str>,
    /// How you get the money.
    #[schemars(extend("enum" = SettlementMethod::ALL.map(settlement_method)))]
    settlement_method: &'static str,
    /// Where you get the money; your own id stands for your account with this gateway. Null where
    /// you keep it from strangers.
    settlement_destination: Option<String>,
    /// `PENDING` until it is paid, then `IN_PROGRESS`.
    #[schemars(extend("enum" = ["PENDING", "IN_PROGRESS"]))]
    settlement_status: &'static str,
    /// The contract on chain that holds the money; null, for it is paid by card.
    contract_address: Option<&'a str>,
    /// The transaction on chain that paid it; null, for it is paid by card.
    transaction_hash: Option<&'a str>,
    /// The chain; null, for it is paid by card.
    chain_id: Option<u64>,
    /// Who signed on chain; null, for it is paid by card.
    signer_address: Option<&'a str>,
    /// How far it has come, in order.
    phases: Vec<Phase>,
    /// Your own keys and values; null where you keep them from strangers.
    metadata: Option<&'a Map<String, Value>>,
    #[serde(flatten)]
    charge: Option<Charge>,
    /// When it was made, Unix seconds.
    created: i64,
    /// When it last changed, Unix seconds.
    updated: i64,
}

/// A step on the way to the money. Paying by card stands in for the payer's signature, so it is
/// `SIGNATURE_VERIFICATION`; what happens on chain only is not named.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Phase {
    /// Which step.
    #[schemars(extend("enum" = ["SIGNATURE_VERIFICATION", "SETTLEMENT"]))]
    #[serde(rename = "phase")]
    name: &'static str,
    /// How it went.
    #[schemars(extend("enum" = ["IN_PROGRESS", "COMPLETED", "FAILED"]))]
    status: &'static str,
    /// When it began, Unix seconds, while it is in progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<i64>,
    /// When it ended, Unix seconds, once it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<i64>,
}

/// The last card payment of a payment intent; its fields are there once a card was sent.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Charge {
    /// How it went.
    #[schemars(extend("enum" = ["pending", "succeeded", "failed"]))]
    fiat_payment_status: &'static str,
    /// Who charges the card: `sandbox`, the acquirer of test mode.
    payment_processor_type: &'static str,
    /// The card payment's own id.
    payment_processor_tx_id: String,
    /// Null: the money is not changed into a stablecoin on chain.
    on_ramp_status: Option<&'static str>,
    /// Null, as above.
    on_ramp_tx_id: Option<String>,
    /// Null, as above.
    stablecoin_amount: Option<String>,
    /// Null, as above.
    stablecoin_currency: Option<&'static str>,
}

impl<'a> PaymentIntent<'a> {
    pub(super) const OBJECT: &'static str = "payment_intent";

    /// The intent as this contract writes it.
    pub fn of(intent: &'a Intent) -> Self {
        let merchant_id = intent.merchant_id.to_string();
        let destination = intent.settlement_destination.as_ref();
        Self {
            id: intent.id.to_string(),
            object: Self::OBJECT,
            status: status(intent.state()),
            amount: amount(intent.money.amount()),
            currency: intent.money.currency().code(),
            kind: kind(intent.kind),
            description: intent.description.as_deref(),
            settlement_method: settlement_method(intent.settlement_method),
            settlement_destination: Some(destination.unwrap_or(&merchant_id).clone()),
            merchant_id: Some(merchant_id),
            settlement_status: settlement_status(intent.state()),
            contract_address: None,
            transaction_hash: None,
            chain_id: None,
            signer_address: None,
            phases: phases(intent),
            metadata: Some(&intent.metadata),
            charge: intent.paid.as_ref().map(Charge::of),
            created: intent.created_at.unix_timestamp(),
            updated: intent.updated_at().unix_timestamp(),
        }
    }

    /// The intent as a stranger may read it who holds its id.
    pub(super) fn public(intent: &'a Intent, choice: PublicIntents) -> Self {
        let whole = Self::of(intent);
        match choice {
            PublicIntents::Full => whole,
            PublicIntents::Redacted => Self {
                merchant_id: None,
                settlement_destination: None,
                metadata: None,
                ..whole
            },
        }
    }
}

const fn settlement_status(state: State) -> &'static str {
    match state {
        State::Initiated | State::Processing | State::RequiresAction | State::Canceled => "PENDING",
        State::Succeeded => "IN_PROGRESS",
    }
}

fn phases(intent: &Intent) -> Vec<Phase> {
    let paid = intent.paid.as_ref();
    let begun = paid.map_or(intent.created_at, |paid| paid.created_at);
    let ended = intent.updated_at();
    let signature = "SIGNATURE_VERIFICATION";
    match intent.state() {
        State::Initiated | State::Processing => vec![Phase::in_progress(signature, begun)],
        State::RequiresAction | State::Canceled => vec![Phase::ended(signature, "FAILED", ended)],
        State::Succeeded => vec![
            Phase::ended(signature, "COMPLETED", ended),
            Phase::in_progress("SETTLEMENT", ended),
        ],
    }
}

impl Phase {
    const fn in_progress(name: &'static str, since: OffsetDateTime) -> Self {
        Self {
            name,
            status: "IN_PROGRESS",
            started_at: Some(since.unix_timestamp()),
            completed_at: None,
        }
    }

    const fn ended(name: &'static str, status: &'static str, at: OffsetDateTime) -> Self {
        Self {
            name,
            status,
            started_at: None,
            completed_at: Some(at.unix_timestamp()),
        }
    }
}

impl Charge {
    fn of(paid: &Paid) -> Self {
        Self {
            fiat_payment_status: match paid.state {
                payment::State::Created
                | payment::State::Authorizing
                | payment::State::Capturing => "pending",
                payment::State::Captured => "succeeded",
                payment::State::Failed | payment::State::Expired => "failed",
            },
            payment_processor_type: "sandbox",
            payment_processor_tx_id: render("ch", paid.payment_id.0),
            on_ramp_status: None,
            on_ramp_tx_id: None,
            stablecoin_amount: None,
            stablecoin_currency: None,
        }
    }
}

#[cfg(test)]
#[expect(
    clippy::indexing_slicing,
    reason = "JSON is read by its members; one that is missing is null and fails its assertion"
)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::finternet::response::Envelope;
    use crate::samples::intent;

    /// What the contract prints of a retrieved intent.
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

    /// What is on chain in the contract's example is null; all else is printed as there.
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
}
