//! The merchant's balance and ledger entries.

use domain::id::{IntentId, PaymentId, PostingId};
use domain::ledger;
use domain::money::Currency;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;

use super::amount;
use crate::finternet::{MOVEMENTS, transaction_type};

/// Your balance with this gateway.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Balance {
    /// Always `balance`.
    #[schemars(extend("const" = "balance"))]
    object: &'static str,
    /// Your balances.
    data: Balances,
}

/// The balance in your account's default currency, and those in all currencies.
#[derive(Debug, Serialize, JsonSchema)]
struct Balances {
    /// The balance in your account's default currency.
    #[serde(flatten)]
    default: Amounts,
    /// Your balances in each currency that you were paid in, sorted by currency.
    balances: Vec<Amounts>,
}

/// A balance in one currency, as decimal strings.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "CurrencyBalance")]
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
    /// Builds the response object from the currency, available and pending amount in major units of
    /// each balance. `currency` is the account's default currency.
    pub fn of(currency: Currency, balances: &[(Currency, Decimal, Decimal)]) -> Self {
        let own = balances.iter().find(|(code, ..)| *code == currency);
        let none = (currency, Decimal::ZERO, Decimal::ZERO);
        Self {
            object: "balance",
            data: Balances {
                default: Amounts::of(own.unwrap_or(&none)),
                balances: balances.iter().map(Amounts::of).collect(),
            },
        }
    }
}

impl Amounts {
    fn of((currency, available, pending): &(Currency, Decimal, Decimal)) -> Self {
        Self {
            available_balance: amount(*available, *currency),
            pending_balance: amount(*pending, *currency),
            reserved_balance: amount(Decimal::ZERO, *currency),
            total_balance: amount(available + pending, *currency),
            currency: currency.code(),
        }
    }
}

/// A change to the merchant's balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Id of the posting.
    pub id: PostingId,
    /// The payment that was captured or refunded.
    pub payment_id: PaymentId,
    /// The intent that the payment pays, if any.
    pub intent_id: Option<IntentId>,
    /// Kind of the posting.
    pub kind: ledger::Kind,
    /// Change to the balance in major units; positive increases it.
    pub amount: Decimal,
    /// The gateway's fee in major units, which the change does not include.
    pub fee: Decimal,
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
    /// Whether older entries follow. To retrieve them, send the last id as `starting_after`.
    has_more: bool,
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
    /// The payment that was captured or refunded.
    payment_id: String,
    /// `CREDIT`: a captured payment, less its fee. `REFUND`: an amount refunded to the payer.
    #[schemars(extend("enum" = MOVEMENTS.map(transaction_type)))]
    transaction_type: &'static str,
    /// Absolute change to your balance, as a decimal string. `transactionType` determines the
    /// direction.
    amount: String,
    /// Amount that was captured or refunded.
    gross_amount: String,
    /// Fee that was deducted. `0.00` for refunds: fees are not returned.
    fee_amount: String,
    /// Amount less the fee; the same as `amount`.
    net_amount: String,
    /// Three-letter ISO 4217 currency code, in upper case.
    currency: &'static str,
    /// Always `COMPLETED`: entries are written only for completed movements.
    status: &'static str,
    /// Time of the movement, in Unix seconds.
    created: i64,
}

impl LedgerEntries {
    /// Builds the response object from movements.
    pub fn of(movements: &[Movement], has_more: bool) -> Self {
        Self {
            object: "list",
            data: movements.iter().map(LedgerEntry::of).collect(),
            has_more,
        }
    }
}

impl LedgerEntry {
    fn of(movement: &Movement) -> Self {
        let net = amount(movement.amount.abs(), movement.currency);
        let gross = movement.amount.abs() + movement.fee;
        Self {
            id: movement.id.to_string(),
            object: "ledger_entry",
            payment_intent_id: movement.intent_id.map(|id| id.to_string()),
            payment_id: movement.payment_id.to_string(),
            transaction_type: transaction_type(movement.kind),
            amount: net.clone(),
            gross_amount: amount(gross, movement.currency),
            fee_amount: amount(movement.fee, movement.currency),
            net_amount: net,
            currency: movement.currency.code(),
            status: "COMPLETED",
            created: movement.at.unix_timestamp(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Error, Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::Body;
    use crate::samples::money;

    #[test]
    fn a_balance_adds_up() -> Result<(), Error> {
        let (usd, jpy) = (money(1, "USD")?.currency(), money(1, "JPY")?.currency());
        let balances = [
            (jpy, Decimal::new(3_855, 0), Decimal::ZERO),
            (usd, Decimal::new(-1_050, 2), Decimal::new(2_000, 2)),
        ];
        let yen = r#"{"availableBalance":"3855","pendingBalance":"0","reservedBalance":"0","totalBalance":"3855","currency":"JPY"}"#;
        let dollars = r#""availableBalance":"-10.50","pendingBalance":"20.00","reservedBalance":"0.00","totalBalance":"9.50","currency":"USD""#;
        assert_eq!(
            Balance::of(usd, &balances).body(),
            format!(
                r#"{{"object":"balance","data":{{{dollars},"balances":[{yen},{{{dollars}}}]}}}}"#
            )
        );
        Ok(())
    }

    #[test]
    fn a_type_says_in_which_direction_money_went() -> Result<(), Error> {
        let currency = money(1, "USD")?.currency();
        let movement = |kind, cents, fee| Movement {
            id: PostingId(Uuid::from_u128(1)),
            payment_id: PaymentId(Uuid::from_u128(2)),
            intent_id: None,
            kind,
            amount: Decimal::new(cents, 2),
            fee: Decimal::new(fee, 2),
            currency,
            at: OffsetDateTime::UNIX_EPOCH,
        };
        let movements = [
            movement(ledger::Kind::Refund, -500, 0),
            movement(ledger::Kind::Capture, 9_710, 290),
        ];
        let entry = |kind: &str, gross: &str, fee: &str, net: &str| {
            json!({
                "id": "ledger_entry_0000000000000000000001", "object": "ledger_entry",
                "paymentIntentId": null, "paymentId": "pay_0000000000000000000002",
                "transactionType": kind, "amount": net, "grossAmount": gross, "feeAmount": fee,
                "netAmount": net, "currency": "USD", "status": "COMPLETED", "created": 0
            })
        };
        let expected = json!({
            "object": "list",
            "data": [entry("REFUND", "5.00", "0.00", "5.00"), entry("CREDIT", "100.00", "2.90", "97.10")],
            "has_more": true
        });
        let found: Value = serde_json::from_str(&LedgerEntries::of(&movements, true).body())?;
        assert_eq!(found, expected);
        Ok(())
    }
}
