//! Payments in lists: 26 columns, with amounts as JSON numbers.

use domain::card::MaskedCard;
use domain::money::Currency;
use domain::payment::{self, State};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use crate::fourgeeks::number::Number;
use crate::iso8601::microseconds;

/// Number of decimals of an inverted exchange rate.
const INVERSE_DIGITS: u32 = 10;

/// Status of a payment in a list. The same as the status of a retrieved payment, with `succeeded`
/// in place of `completed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    /// Not paid yet, or the outcome is not known yet.
    Pending,
    /// Paid.
    Succeeded,
    /// The card was declined or could not be charged.
    Failed,
    /// Expired before it was paid.
    Canceled,
}

impl RowStatus {
    const fn of(state: State) -> Self {
        match state {
            State::Created | State::Authorizing | State::Capturing => RowStatus::Pending,
            State::Captured => RowStatus::Succeeded,
            State::Failed => RowStatus::Failed,
            State::Expired => RowStatus::Canceled,
        }
    }
}

/// Ledger amounts of a captured payment, in major units of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Booked {
    /// The gateway's fee.
    pub fee: Decimal,
    /// The amount less the fee.
    pub net: Decimal,
}

/// Exchange rates at the time of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// The merchant's own currency.
    pub local: Currency,
    /// Units of `local` per US dollar, if known.
    pub local_per_usd: Option<Decimal>,
    /// Units of the payment's currency per US dollar, if known.
    pub original_per_usd: Option<Decimal>,
}

/// A payment in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PaymentRow<'a> {
    /// UUID of the payment. It retrieves the same payment as the `pay_` id.
    id: Uuid,
    /// UUID of the items: payments with the same items share it. `null` if there are no items.
    product: Option<Uuid>,
    /// UUID of the customer, if any.
    customer: Option<Uuid>,
    /// Amount in major units.
    amount: Number,
    /// Fee of the gateway, from the ledger; 0 until the payment is paid.
    fee: Number,
    /// Three-letter ISO 4217 currency code, in upper case.
    currency: &'static str,
    /// Your description of the purchase.
    description: Option<&'a str>,
    /// Your name as printed on card statements.
    statement_description: &'a str,
    /// Status of the payment.
    status: RowStatus,
    /// Always `true`: funds are captured as soon as they are authorized.
    capture: bool,
    /// Creation time, in ISO 8601, to the microsecond.
    created_on: String,
    /// Amount refunded, including pending refunds, in major units. `null` if nothing was refunded.
    refund: Option<Number>,
    /// Always `null`: there is no manual capture.
    captured: Option<bool>,
    /// Whether the object was created in test mode.
    test: bool,
    /// Last four digits of the card number; empty if there is no card yet.
    card_last4: &'a str,
    /// Two-digit expiration month of the card; empty if there is no card yet.
    card_exp_month: String,
    /// Four-digit expiration year of the card; empty if there is no card yet.
    card_exp_year: String,
    /// Always empty: the country of the card is unknown.
    card_country: &'static str,
    /// Card brand, in lower case; empty if there is no card yet.
    card_brand: &'static str,
    /// Always 0: payouts are not converted.
    exchange_usd_to_payout: Number,
    /// Always 0: payouts are not converted.
    exchange_original_payout_to_usd: Number,
    /// Units of `currency_local` per US dollar at the time of the payment; 0 if unknown.
    exchange_usd_to_local: Number,
    /// US dollars per unit of `currency` at the time of the payment; 0 if unknown.
    exchange_original_local_to_usd: Number,
    /// ISO 4217 code of your own currency.
    currency_local: &'static str,
    /// `amount` less `fee`, from the ledger; 0 until the payment is paid. Refunds are not
    /// subtracted.
    net: Number,
    /// ISO 4217 code of the currency of `net`.
    net_currency: &'static str,
}

impl<'a> PaymentRow<'a> {
    /// Builds the row of a payment. `statement` is the merchant's name as printed on card
    /// statements.
    pub fn of(
        payment: &'a payment::Payment,
        booked: Booked,
        exchange: &Exchange,
        statement: &'a str,
    ) -> Self {
        let card = payment.card.as_ref();
        let on_card = |part: fn(&MaskedCard) -> String| card.map(part).unwrap_or_default();
        let currency = payment.money.currency().code();
        let is_refunded = !payment.refunded.is_zero();
        Self {
            id: payment.id.0,
            product: product(payment),
            customer: payment.customer.as_ref().map(|customer| customer.id.0),
            amount: Number::short(payment.money.amount()),
            fee: Number::short(booked.fee),
            currency,
            description: payment.description.as_deref(),
            statement_description: statement,
            status: RowStatus::of(payment.state),
            capture: true,
            created_on: microseconds(payment.created_at),
            refund: is_refunded.then(|| Number::short(payment.refunded)),
            captured: None,
            test: !payment.mode.is_live(),
            card_last4: card.map_or("", |card| &card.last4),
            card_exp_month: on_card(|card| format!("{:02}", card.exp_month)),
            card_exp_year: on_card(|card| card.exp_year.to_string()),
            card_country: "",
            card_brand: card.map_or("", |card| card.brand.name()),
            exchange_usd_to_payout: Number::short(Decimal::ZERO),
            exchange_original_payout_to_usd: Number::short(Decimal::ZERO),
            exchange_usd_to_local: Number::short(exchange.local_per_usd.unwrap_or_default()),
            exchange_original_local_to_usd: Number::short(inverse(exchange.original_per_usd)),
            currency_local: exchange.local.code(),
            net: Number::short(booked.net),
            net_currency: currency,
        }
    }
}

/// Serializes a list of payments as a bare array.
pub fn list(rows: &[PaymentRow<'_>]) -> String {
    crate::json(&rows)
}

fn inverse(rate: Option<Decimal>) -> Decimal {
    let inverse = rate.and_then(|rate| Decimal::ONE.checked_div(rate));
    inverse.unwrap_or_default().round_dp(INVERSE_DIGITS)
}

/// A UUID derived from the merchant and its items: the same items have the same UUID.
fn product(payment: &payment::Payment) -> Option<Uuid> {
    let items = payment.checkout.as_ref().map(|checkout| &checkout.items);
    let items = items.filter(|items| !items.is_empty())?;
    let mut digest = Sha256::new_with_prefix(payment.merchant_id.0);
    for item in items {
        digest.update(item.as_bytes());
        // Separates the items, so that different lists have different digests. No item contains
        // NUL.
        digest.update([0]);
    }
    let digest = digest.finalize();
    let bytes = digest.first_chunk::<16>()?;
    Some(Builder::from_custom_bytes(*bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use domain::id::PaymentId;
    use proptest::prelude::*;
    use serde_json::Error;
    use time::macros::datetime;
    use uuid::uuid;

    use super::*;
    use crate::fourgeeks::response::examples::payment;
    use crate::samples::money;

    /// The first row in the document, except for `product`, which is ours.
    const PRINTED: &str = r#"[{"id":"7f277445-d4d0-47e2-bd6f-4664e4480778","product":"@","customer":"5c35a9f5-cd2a-4bf5-a0e2-d946eedeefeb","amount":100.0,"fee":5.5,"currency":"USD","description":null,"statement_description":"JUANPESA","status":"succeeded","capture":true,"created_on":"2025-11-04T14:33:25.690012Z","refund":null,"captured":null,"test":true,"card_last4":"","card_exp_month":"","card_exp_year":"","card_country":"","card_brand":"","exchange_usd_to_payout":0.0,"exchange_original_payout_to_usd":0.0,"exchange_usd_to_local":533.48,"exchange_original_local_to_usd":1.0,"currency_local":"CRC","net":94.5,"net_currency":"USD"}]"#;

    fn printed() -> Result<payment::Payment, Error> {
        Ok(payment::Payment {
            id: PaymentId(uuid!("7f277445-d4d0-47e2-bd6f-4664e4480778")),
            money: money(10_000, "USD")?,
            description: None,
            card: None,
            created_at: datetime!(2025-11-04 14:33:25.690012 UTC),
            ..payment()?
        })
    }

    fn exchange() -> Result<Exchange, Error> {
        Ok(Exchange {
            local: money(1, "CRC")?.currency(),
            local_per_usd: Some(Decimal::new(53_348, 2)),
            original_per_usd: Some(Decimal::ONE),
        })
    }

    #[test]
    fn the_documents_row_is_written_as_printed() -> Result<(), Error> {
        let payment = printed()?;
        let booked = Booked {
            fee: Decimal::new(550, 2),
            net: Decimal::new(9_450, 2),
        };
        let row = PaymentRow::of(&payment, booked, &exchange()?, "JUANPESA");
        let product = row.product.map(|product| product.to_string());
        let expected = PRINTED.replace('@', &product.unwrap_or_default());
        assert_eq!(list(&[row]), expected);
        assert_eq!(list(&[]), "[]");
        Ok(())
    }

    #[test]
    fn what_is_unknown_is_empty_and_what_is_not_booked_is_zero() -> Result<(), Error> {
        let mut payment = payment()?;
        (payment.state, payment.customer, payment.checkout) = (State::Expired, None, None);
        payment.refunded = Decimal::new(2_500, 2);
        let mut exchange = exchange()?;
        (exchange.local_per_usd, exchange.original_per_usd) = (None, None);
        let row = PaymentRow::of(&payment, Booked::default(), &exchange, "");
        let body = list(&[row]);
        for part in [
            r#""product":null,"customer":null,"amount":500.0,"fee":0.0,"#,
            r#""status":"canceled","capture":true,"#,
            r#""refund":25.0,"captured":null,"#,
            r#""card_last4":"4242","card_exp_month":"01","card_exp_year":"2030","card_country":"","card_brand":"visa","#,
            r#""exchange_usd_to_local":0.0,"exchange_original_local_to_usd":0.0,"#,
            r#""net":0.0,"net_currency":"USD"}"#,
        ] {
            assert!(body.contains(part), "{part}: {body}");
        }
        Ok(())
    }

    #[test]
    fn the_reference_describes_26_columns_with_numbers() {
        let schema = schemars::schema_for!(PaymentRow<'_>).to_value();
        let columns = schema
            .get("properties")
            .and_then(|columns| columns.as_object());
        assert_eq!(columns.map(serde_json::Map::len), Some(26));
        let amount = schema.pointer("/properties/amount/type");
        assert_eq!(amount.and_then(|kind| kind.as_str()), Some("number"));
    }

    #[test]
    fn an_inverse_is_exact_or_has_ten_digits() {
        let of = |text: &str| inverse(text.parse().ok()).normalize().to_string();
        assert_eq!(of("1"), "1");
        assert_eq!(of("0.8"), "1.25");
        assert_eq!(of("533.48"), "0.0018744845");
        assert_eq!(of("0"), "0");
    }

    #[test]
    fn the_same_items_are_one_product() {
        let of = |items: &[&str], merchant: u128| {
            let mut payment = payment().ok()?;
            payment.merchant_id.0 = Uuid::from_u128(merchant);
            payment.checkout.as_mut()?.items = items.iter().map(|&item| item.to_owned()).collect();
            product(&payment)
        };
        assert_eq!(of(&["a", "b"], 1), of(&["a", "b"], 1));
        assert!(of(&["a", "b"], 1).is_some() && of(&[], 1).is_none());
        for (items, merchant) in [(["ab", ""], 1), (["a", "c"], 1), (["a", "b"], 2)] {
            assert_ne!(of(&items, merchant), of(&["a", "b"], 1));
        }
    }

    proptest! {
        /// Parses the amount from the text, to avoid a float.
        #[test]
        fn every_amount_is_written_exactly(minor in 1..=domain::money::MINOR_MAX, code in prop::sample::select(vec!["USD", "JPY", "KWD", "CLF"])) {
            let mut payment = printed()?;
            payment.money = money(minor, code)?;
            let body = list(&[PaymentRow::of(&payment, Booked::default(), &exchange()?, "")]);
            let (_, rest) = body.split_once(r#""amount":"#).unwrap_or_default();
            let (text, _) = rest.split_once(',').unwrap_or_default();
            prop_assert_eq!(text.parse::<Decimal>()?, payment.money.amount());
            prop_assert!(text.contains('.'));
        }
    }
}
