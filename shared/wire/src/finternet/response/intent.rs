//! Payment intent responses.

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

/// A payment intent: an amount to be paid, and the progress of its payment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PaymentIntent")]
pub struct PaymentIntent<'a> {
    /// Id of the payment intent. Anyone who knows it can read the payment intent.
    id: String,
    /// Always `payment_intent`.
    #[schemars(extend("const" = PaymentIntent::OBJECT))]
    object: &'static str,
    /// Id of the merchant. Null in public responses if your account hides it.
    merchant_id: Option<String>,
    /// Status of the payment intent. `REQUIRES_ACTION` means that the last payment failed and
    /// another one may follow.
    #[schemars(extend("enum" = State::ALL.map(status)))]
    status: &'static str,
    /// Amount as a decimal string.
    amount: String,
    /// Currency or stablecoin of the amount.
    #[schemars(extend("enum" = CURRENCIES))]
    currency: &'static str,
    /// Condition under which the funds are released.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = Kind::ALL.map(kind)))]
    kind: &'static str,
    /// Description of the purchase.
    description: Option<&'a str>,
    /// How you are paid out.
    #[schemars(extend("enum" = SettlementMethod::ALL.map(settlement_method)))]
    settlement_method: &'static str,
    /// Where the payout goes. Your merchant id means your account with this gateway. Null in public
    /// responses if your account hides it.
    settlement_destination: Option<String>,
    /// Settlement status: `PENDING` until the payment intent is paid, then `IN_PROGRESS`.
    #[schemars(extend("enum" = ["PENDING", "IN_PROGRESS"]))]
    settlement_status: &'static str,
    /// Address of the on-chain contract that holds the funds. Always null: payment is by card.
    contract_address: Option<&'a str>,
    /// Hash of the on-chain transaction. Always null: payment is by card.
    transaction_hash: Option<&'a str>,
    /// Id of the chain. Always null: payment is by card.
    chain_id: Option<u64>,
    /// Address of the on-chain signer. Always null: payment is by card.
    signer_address: Option<&'a str>,
    /// Phases of the payment so far, in order.
    phases: Vec<Phase>,
    /// Key-value pairs that you attached to the object. Null in public responses if your account
    /// hides them.
    metadata: Option<&'a Map<String, Value>>,
    #[serde(flatten)]
    charge: Option<Charge>,
    /// Amount refunded or being refunded to the card, as a decimal string in the currency that the
    /// card was charged in. Absent until there is a refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_refunded: Option<String>,
    /// Creation time, in Unix seconds.
    created: i64,
    /// Time of the last change, in Unix seconds.
    updated: i64,
}

/// A phase of the payment. A card payment takes the place of the payer's signature, so its phase is
/// `SIGNATURE_VERIFICATION`. On-chain phases do not occur.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Phase {
    /// Name of the phase.
    #[schemars(extend("enum" = ["SIGNATURE_VERIFICATION", "SETTLEMENT"]))]
    #[serde(rename = "phase")]
    name: &'static str,
    /// Status of the phase.
    #[schemars(extend("enum" = ["IN_PROGRESS", "COMPLETED", "FAILED"]))]
    status: &'static str,
    /// Start time, in Unix seconds. Present while the phase is in progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<i64>,
    /// End time, in Unix seconds. Present once the phase has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<i64>,
}

/// The last card payment of a payment intent. Its fields are absent until a card is sent.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Charge {
    /// Status of the last card payment. Absent until a card is sent.
    #[schemars(extend("enum" = ["pending", "succeeded", "failed"]))]
    fiat_payment_status: &'static str,
    /// Processor of the card payment. Always `sandbox`, the acquirer of test mode.
    payment_processor_type: &'static str,
    /// Id of the card payment at the processor, `ch_…`.
    payment_processor_tx_id: String,
    /// Always null: card payments are not converted to a stablecoin on-chain.
    on_ramp_status: Option<&'static str>,
    /// Always null: card payments are not converted to a stablecoin on-chain.
    on_ramp_tx_id: Option<String>,
    /// Always null: card payments are not converted to a stablecoin on-chain.
    stablecoin_amount: Option<String>,
    /// Always null: card payments are not converted to a stablecoin on-chain.
    stablecoin_currency: Option<&'static str>,
}

impl<'a> PaymentIntent<'a> {
    pub(super) const OBJECT: &'static str = "payment_intent";

    /// Builds the response object from an intent.
    pub fn of(intent: &'a Intent) -> Self {
        let merchant_id = intent.merchant_id.to_string();
        let destination = intent.settlement_destination.as_ref();
        Self {
            id: intent.id.to_string(),
            object: Self::OBJECT,
            status: status(intent.state()),
            amount: amount(intent.money.amount(), intent.money.currency()),
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
            amount_refunded: amount_refunded(intent),
            created: intent.created_at.unix_timestamp(),
            updated: intent.updated_at().unix_timestamp(),
        }
    }

    /// Builds the response object for an anonymous client that knows the intent's id.
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
    let paid_at = paid.map(|paid| paid.updated_at);
    let ended = intent.canceled_at.max(paid_at).unwrap_or(begun);
    let ended = ended.max(intent.created_at);
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

fn amount_refunded(intent: &Intent) -> Option<String> {
    let refunded = intent.paid.as_ref().map(|paid| paid.refunded);
    let refunded = refunded.filter(|sum| !sum.is_zero());
    refunded.map(|sum| amount(sum, intent.money.currency()))
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
mod tests;
