//! A payment in a list: 26 columns, amounts as JSON numbers.

use domain::card::MaskedCard;
use domain::money::Currency;
use domain::payment::{self, State};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::microseconds;
use crate::fourgeeks::number::Number;

/// Digits behind the point of a rate that is the inverse of one we hold.
const INVERSE_DIGITS: u32 = 10;

/// How far a payment in a list has come; the same as a payment's own status, but for the word for
/// paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    /// Not paid yet, or the outcome is not known yet.
    Pending,
    /// Paid.
    Succeeded,
    /// The payer's card was declined, or it could not be charged.
    Failed,
    /// Nobody paid in time.
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

/// What the books say of a captured payment, in major units of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Booked {
    /// The gateway's fee.
    pub fee: Decimal,
    /// What the capture brought the merchant.
    pub net: Decimal,
}

/// What the rates say beside a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// The merchant's own currency.
    pub local: Currency,
    /// How much of it a dollar is worth, if that is known.
    pub local_per_usd: Option<Decimal>,
    /// How much of the payment's currency a dollar is worth, if that is known.
    pub original_per_usd: Option<Decimal>,
}

/// A payment in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PaymentRow<'a> {
    /// The payment's number; it reads the same payment as its `pay_` id.
    id: Uuid,
    /// What is paid for: payments of the same items share it. `null` if no items were named.
    product: Option<Uuid>,
    /// The customer's number, if there is one.
    customer: Option<Uuid>,
    /// How much, in major units.
    amount: Number,
    /// The gateway's fee as it was booked; 0 until the payment is paid.
    fee: Number,
    /// ISO 4217.
    currency: &'static str,
    /// What is paid for, in the merchant's words.
    description: Option<&'a str>,
    /// The merchant's name as card statements abbreviate it.
    statement_description: &'a str,
    /// How far it has come.
    status: RowStatus,
    /// Always true: money is captured as soon as it is authorized.
    capture: bool,
    /// When it was created, to the microsecond.
    created_on: String,
    /// How much was given back or is on its way back, in major units; `null` if nothing was.
    refund: Option<Number>,
    /// Always null: nothing is captured by hand.
    captured: Option<bool>,
    /// Whether it was made with a test key.
    test: bool,
    /// The last four digits of the card; empty as long as there is none.
    card_last4: &'a str,
    /// The month in which the card expires, two digits, or empty.
    card_exp_month: String,
    /// The year in which the card expires, four digits, or empty.
    card_exp_year: String,
    /// Always empty: the card's country is not known.
    card_country: &'static str,
    /// The brand of the card; empty as long as there is none.
    card_brand: &'static str,
    /// Always 0: nothing is exchanged for a payout.
    exchange_usd_to_payout: Number,
    /// Always 0: nothing is exchanged for a payout.
    exchange_original_payout_to_usd: Number,
    /// How much of `currency_local` a dollar is worth; 0 if that is not known.
    exchange_usd_to_local: Number,
    /// How many dollars one unit of `currency` is worth; 0 if that is not known.
    exchange_original_local_to_usd: Number,
    /// The merchant's own currency, ISO 4217.
    currency_local: &'static str,
    /// What the payment brought the merchant, `amount` less `fee`, as it was booked; 0 until the
    /// payment is paid. What is given back is not taken off.
    net: Number,
    /// The currency of `net`.
    net_currency: &'static str,
}

impl<'a> PaymentRow<'a> {
    /// The payment as a list shows it. `statement` is the shop's name as statements write it.
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

/// The body of a list of payments: a bare array.
pub fn list(rows: &[PaymentRow<'_>]) -> String {
    crate::json(&rows)
}

fn inverse(rate: Option<Decimal>) -> Decimal {
    let inverse = rate.and_then(|rate| Decimal::ONE.checked_div(rate));
    inverse.unwrap_or_default().round_dp(INVERSE_DIGITS)
}

/// A number for a merchant's items: the same for the same.
fn product(payment: &payment::Payment) -> Option<Uuid> {
    let items = payment.checkout.as_ref().map(|checkout| &checkout.items);
    let items = items.filter(|items| !items.is_empty())?;
    let mut digest = Sha256::new_with_prefix(payment.merchant_id.0);
    for item in items {
        digest.update(item.as_bytes());
        // No text holds it, so that two items are not one.
        digest.update([0]);
    }
    let digest = digest.finalize();
    let bytes = digest.first_chunk::<16>()?;
    Some(Builder::from_custom_bytes(*bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;
    use uuid::uuid;

    use super::*;
    use crate::fourgeeks::error::Error;
    use crate::fourgeeks::response::examples::{money, payment};
    use domain::id::PaymentId;

    /// The first row that the document prints, but for `product`, which is ours.
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
        /// Read back as text, so that no float stands between.
        #[test]
        fn every_amount_is_written_exactly(minor in 1..=domain::money::MINOR_MAX, code in prop::sample::select(vec!["USD", "JPY", "KWD", "CLF"])) {
            let mut payment = printed().map_err(|_| TestCaseError::fail("no example"))?;
            payment.money = money(minor, code).map_err(|_| TestCaseError::fail("no money"))?;
            let exchange = exchange().map_err(|_| TestCaseError::fail("no rates"))?;
            let body = list(&[PaymentRow::of(&payment, Booked::default(), &exchange, "")]);
            let (_, rest) = body.split_once(r#""amount":"#).unwrap_or_default();
            let (text, _) = rest.split_once(',').unwrap_or_default();
            prop_assert_eq!(text.parse::<Decimal>()?, payment.money.amount());
            prop_assert!(text.contains('.'));
        }
    }
}
