//! The merchant's balance and ledger entries.

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

/// Your balance with this gateway in one currency.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Balance {
    /// Always `balance`.
    #[schemars(extend("const" = "balance"))]
    object: &'static str,
    /// Balances in this currency.
    data: Amounts,
}

/// Balances as decimal strings.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Amounts {
    /// Captured funds, less fees and refunds.
    available_balance: String,
    /// Authorized funds that are not captured yet, before fees.
    pending_balance: String,
    /// Funds reserved for settlements in progress. Currently always `0.00`.
    reserved_balance: String,
    /// Sum of the available, pending and reserved balances.
    total_balance: String,
    /// Three-letter ISO 4217 currency code, in upper case.
    currency: &'static str,
}

impl Balance {
    /// Builds the response object from amounts in major units.
    pub fn of(currency: Currency, available: Decimal, pending: Decimal) -> Self {
        Self {
            object: "balance",
            data: Amounts {
                available_balance: amount(available, currency),
                pending_balance: amount(pending, currency),
                reserved_balance: amount(Decimal::ZERO, currency),
                total_balance: amount(available + pending, currency),
                currency: currency.code(),
            },
        }
    }
}

/// A change to the merchant's balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Id of the movement.
    pub id: Uuid,
    /// The intent that the payment pays, if any.
    pub intent_id: Option<IntentId>,
    /// Kind of the posting.
    pub kind: ledger::Kind,
    /// Change to the balance in major units; positive increases it.
    pub amount: Decimal,
    /// Currency of the amount.
    pub currency: Currency,
    /// When it was posted.
    pub at: OffsetDateTime,
}

/// A page of your account's ledger entries, newest first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LedgerEntryList")]
pub struct LedgerEntries {
    /// Always `list`.
    #[schemars(extend("const" = "list"))]
    object: &'static str,
    /// Entries of the page.
    data: Vec<LedgerEntry>,
}

/// A change to your account's balance.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LedgerEntry {
    /// Id of the entry.
    id: String,
    /// Always `ledger_entry`.
    #[schemars(extend("const" = "ledger_entry"))]
    object: &'static str,
    /// The payment intent that was paid or refunded. Null for payments without a payment intent.
    payment_intent_id: Option<String>,
    /// `CREDIT`: a captured payment, less its fee. `REFUND`: an amount refunded to the payer.
    #[schemars(extend("enum" = MOVEMENTS.map(transaction_type)))]
    transaction_type: &'static str,
    /// Absolute amount, as a decimal string. `transactionType` determines the direction.
    amount: String,
    /// Three-letter ISO 4217 currency code, in upper case.
    currency: &'static str,
    /// Always `COMPLETED`: entries are written only for completed movements.
    status: &'static str,
    /// Time of the movement, in Unix seconds.
    created: i64,
}

impl LedgerEntries {
    /// Builds the response object from movements.
    pub fn of(movements: &[Movement]) -> Self {
        Self {
            object: "list",
            data: movements.iter().map(LedgerEntry::of).collect(),
        }
    }
}

impl LedgerEntry {
    fn of(movement: &Movement) -> Self {
        Self {
            id: render("ledger_entry", movement.id),
            object: "ledger_entry",
            payment_intent_id: movement.intent_id.map(|id| id.to_string()),
            transaction_type: transaction_type(movement.kind),
            amount: amount(movement.amount.abs(), movement.currency),
            currency: movement.currency.code(),
            status: "COMPLETED",
            created: movement.at.unix_timestamp(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Error, Value, json};

    use super::*;
    use crate::Body;
    use crate::samples::money;

    #[test]
    fn a_balance_adds_up() -> Result<(), Error> {
        let usd = money(1, "USD")?.currency();
        let balance = Balance::of(usd, Decimal::new(-1_050, 2), Decimal::new(2_000, 2));
        assert_eq!(
            balance.body(),
            r#"{"object":"balance","data":{"availableBalance":"-10.50","pendingBalance":"20.00","reservedBalance":"0.00","totalBalance":"9.50","currency":"USD"}}"#
        );
        Ok(())
    }

    #[test]
    fn a_type_says_in_which_direction_money_went() -> Result<(), Error> {
        let currency = money(1, "USD")?.currency();
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
        let found: Value = serde_json::from_str(&LedgerEntries::of(&movements).body())?;
        assert_eq!(found, expected);
        Ok(())
    }
}
