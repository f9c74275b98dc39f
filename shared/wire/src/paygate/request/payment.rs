//! A payment to create.

use domain::card::Card;
use domain::money::{AmountError, Currency, Money};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::card::{self, CardBody};
use crate::customer;
use crate::fields::Fields;
use crate::paygate::error::{self, Error};

/// A payment to create.
#[derive(Debug)]
pub struct CreatePayment {
    /// How much.
    pub money: Money,
    /// Who pays.
    pub customer: Option<Customer>,
    /// With which card; without one the payment waits.
    pub card: Option<Card>,
    /// The merchant's words about it.
    pub description: Option<String>,
    /// The merchant's own keys and values.
    pub metadata: Map<String, Value>,
}

/// Who pays.
#[derive(Debug)]
pub struct Customer {
    /// E-mail address; one customer for each.
    pub email: Option<String>,
    /// Full name.
    pub name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
}

impl CreatePayment {
    /// Reads the body of `POST /v1/payments`.
    pub fn read(body: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(body)?;
        let money = money(&mut fields)?;
        let method = fields.text("payment_method", 40)?;
        let method = fields.required("payment_method", method)?;
        if method != "card" {
            let unsupported = &error::PAYMENT_METHOD_UNSUPPORTED;
            return Err(Error::about(unsupported, "payment_method"));
        }
        let customer = fields.object("customer")?.map(payer).transpose()?;
        let card = fields.object("card")?.map(card::read).transpose()?;
        let description = fields.text("description", 1_000)?;
        let metadata = fields.metadata()?;
        fields.finish()?;
        Ok(Self {
            money,
            customer,
            card,
            description,
            metadata,
        })
    }
}

fn money(fields: &mut Fields) -> Result<Money, Error> {
    let minor = fields.integer("amount")?;
    let minor = fields.required("amount", minor)?;
    let code = fields.text("currency", 40)?;
    let code = fields.required("currency", code)?;
    let currency = Currency::parse(&code);
    let currency = currency.ok_or_else(|| Error::about(&error::CURRENCY_INVALID, "currency"))?;
    let least = least_minor(currency);
    let too_small = || {
        let least = shown(least, currency);
        let values = [("param", "amount"), ("least", &least)];
        Error::with(&error::AMOUNT_TOO_SMALL, &values)
    };
    if minor < least {
        return Err(too_small());
    }
    Money::from_minor(minor, currency).map_err(|wrong| match wrong {
        AmountError::NotPositive | AmountError::TooFine => too_small(),
        AmountError::TooLarge => Error::about(&error::AMOUNT_TOO_LARGE, "amount"),
    })
}

/// The least amount: half a unit of the currency, or 50 of one that has no smaller unit.
fn least_minor(currency: Currency) -> i64 {
    match currency.exponent() {
        0 => 50,
        exponent => 10_i64.checked_pow(exponent).map_or(50, |unit| unit / 2),
    }
}

fn shown(minor: i64, currency: Currency) -> String {
    let amount = Money::from_minor(minor, currency).map(|money| money.amount().to_string());
    let sign = if currency.code() == "USD" { "$" } else { "" };
    format!("{sign}{} {currency}", amount.unwrap_or_default())
}

fn payer(mut fields: Fields) -> Result<Customer, Error> {
    let email = customer::email(&mut fields)?;
    let name = customer::name(&mut fields)?;
    let phone = customer::phone(&mut fields)?;
    fields.finish()?;
    Ok(Customer { email, name, phone })
}

/// A payment to create.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PaymentToCreate")]
pub struct CreatePaymentBody {
    /// How much, in the currency's smallest unit: 5000 is 50.00 USD. At least half a unit, 50 for
    /// currencies without a smaller one.
    #[schemars(range(min = 50, max = 999_999_999_999_i64), example = 5000)]
    pub amount: i64,
    /// ISO 4217 code in upper case.
    #[schemars(regex(pattern = "^[A-Z]{3}$"), example = &"USD")]
    pub currency: String,
    /// How the payer pays.
    #[schemars(extend("enum" = ["card"]))]
    pub payment_method: String,
    /// Who pays. One customer for each e-mail address.
    pub customer: Option<PayerBody>,
    /// The card to charge. Without one the payment stays `pending`, and fails after 24 hours.
    pub card: Option<CardBody>,
    /// Your own words about the payment.
    #[schemars(length(max = 1000))]
    pub description: Option<String>,
    /// Your own keys and values: at most 50 keys, 5 levels, texts of at most 500 characters.
    pub metadata: Option<Map<String, Value>>,
}

/// Who pays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PayerDetails")]
pub struct PayerBody {
    /// E-mail address.
    #[schemars(length(max = 254), example = &"customer@example.com")]
    pub email: Option<String>,
    /// Full name.
    #[schemars(length(max = 200))]
    pub name: Option<String>,
    /// Telephone number.
    #[schemars(length(max = 40))]
    pub phone: Option<String>,
}

#[cfg(test)]
mod tests;
