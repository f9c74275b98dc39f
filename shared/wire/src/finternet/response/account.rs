//! The merchant's account with the gateway.

use domain::id::{IntentId, render};
use domain::ledger;
use domain::money::Currency;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::amount;
use crate::finternet::{MOVEMENTS, transaction_type};

/// What you have with this gateway in one currency.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Balance {
    /// Always `balance`.
    #[schemars(extend("const" = "balance"))]
    object: &'static str,
    /// The amounts.
    data: Amounts,
}

/// Decimal strings in one currency.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Amounts {
    /// Captured, less fees and refunds.
    available_balance: String,
    /// Authorized and not captured yet, before fees.
    pending_balance: String,
    /// Set aside for a settlement under way.
    reserved_balance: String,
    /// All of them together.
    total_balance: String,
    /// The currency.
    currency: &'static str,
}

impl Balance {
    /// The balance as this contract writes it; amounts in major units.
    pub fn of(currency: Currency, available: Decimal, pending: Decimal) -> Self {
        Self {
            object: "balance",
            data: Amounts {
                available_balance: amount(available),
                pending_balance: amount(pending),
                reserved_balance: amount(Decimal::ZERO),
                total_balance: amount(available + pending),
                currency: currency.code(),
            },
        }
    }

    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

/// A movement of the merchant's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Its id.
    pub id: Uuid,
    /// The intent whose payment moved it, if one's did.
    pub intent_id: Option<IntentId>,
    /// Why it moved.
    pub kind: ledger::Kind,
    /// By how much, in major units; negative is out of the account.
    pub amount: Decimal,
    /// In which currency.
    pub currency: Currency,
    /// When.
    pub at: OffsetDateTime,
}

/// A page of what moved your account, the newest first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LedgerEntryList")]
pub struct LedgerEntries {
    /// Always `list`.
    #[schemars(extend("const" = "list"))]
    object: &'static str,
    /// The entries.
    data: Vec<LedgerEntry>,
}

/// One movement of your account.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LedgerEntry {
    /// The entry's id.
    id: String,
    /// Always `ledger_entry`.
    #[schemars(extend("const" = "ledger_entry"))]
    object: &'static str,
    /// The payment intent that was paid or refunded; null if it was another payment.
    payment_intent_id: Option<String>,
    /// `CREDIT`: a payment was captured, its fee is taken off. `REFUND`: money went back.
    #[schemars(extend("enum" = MOVEMENTS.map(transaction_type)))]
    transaction_type: &'static str,
    /// How much, as a decimal string; the type says in which direction.
    amount: String,
    /// The currency.
    currency: &'static str,
    /// Always `COMPLETED`: what is not done has no entry.
    status: &'static str,
    /// When it moved, Unix seconds.
    created: i64,
}

impl LedgerEntries {
    /// The page as this contract writes it.
    pub fn of(movements: &[Movement]) -> Self {
        Self {
            object: "list",
            data: movements.iter().map(LedgerEntry::of).collect(),
        }
    }

    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}

impl LedgerEntry {
    fn of(movement: &Movement) -> Self {
        Self {
            id: render("ledger_entry", movement.id),
            object: "ledger_entry",
            payment_intent_id: movement.intent_id.map(|id| id.to_string()),
            transaction_type: transaction_type(movement.kind),
            amount: amount(movement.amount.abs()),
            currency: movement.currency.code(),
            status: "COMPLETED",
            created: movement.at.unix_timestamp(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_balance_adds_up() {
        let Some(usd) = Currency::parse("USD") else {
            return assert!(Currency::parse("USD").is_some());
        };
        let balance = Balance::of(usd, Decimal::new(-1_050, 2), Decimal::new(2_000, 2));
        assert_eq!(
            balance.body(),
            r#"{"object":"balance","data":{"availableBalance":"-10.50","pendingBalance":"20.00","reservedBalance":"0.00","totalBalance":"9.50","currency":"USD"}}"#
        );
    }

    #[test]
    fn a_type_says_in_which_direction_money_went() {
        let Some(currency) = Currency::parse("USD") else {
            return assert!(Currency::parse("USD").is_some());
        };
        let movement = |kind, cents| Movement {
            id: Uuid::from_u128(1),
            intent_id: None,
            kind,
            amount: Decimal::new(cents, 2),
            currency,
            at: OffsetDateTime::UNIX_EPOCH,
        };
        let movements = [
            movement(ledger::Kind::Refund, -500),
            movement(ledger::Kind::Capture, 9_710),
        ];
        let entry = |kind: &str, amount: &str| {
            json!({
                "id": "ledger_entry_0000000000000000000001", "object": "ledger_entry",
                "paymentIntentId": null, "transactionType": kind, "amount": amount,
                "currency": "USD", "status": "COMPLETED", "created": 0
            })
        };
        let expected = json!({
            "object": "list", "data": [entry("REFUND", "5.00"), entry("CREDIT", "97.10")]
        });
        let found = serde_json::from_str::<Value>(&LedgerEntries::of(&movements).body());
        assert_eq!(found.ok(), Some(expected));
    }
}
