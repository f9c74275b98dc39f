//! Payment creation.

use domain::card::Card;
use domain::money::{AmountError, Currency, Money};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::card::{self, CardBody};
use crate::customer;
use crate::error::SurfaceError;
use crate::fields::Fields;
use crate::limits;
use crate::paygate::error::{self, Error};

/// A payment to create.
#[derive(Debug)]
pub struct CreatePayment {
    /// The amount.
    pub money: Money,
    /// The payer.
    pub customer: Option<Payer>,
    /// The card to charge; without one, the payment stays pending.
    pub card: Option<Card>,
    /// The merchant's description.
    pub description: Option<String>,
    /// The merchant's own keys and values.
    pub metadata: Map<String, Value>,
}

impl CreatePayment {
    /// Reads the body of `POST /v1/payments`.
    pub fn read(body: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(body)?;
        let money = money(&mut fields)?;
        let method = fields.required("payment_method", Fields::word)?;
        if method != "card" {
            let unsupported = &error::PAYMENT_METHOD_UNSUPPORTED;
            return Err(Error::about(unsupported, "payment_method"));
        }
        let customer = fields.object("customer")?.map(payer).transpose()?;
        let card = fields.object("card")?.map(card::read).transpose()?;
        let description = fields.text("description", limits::DESCRIPTION_MAX)?;
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
    let minor = fields.required("amount", Fields::integer)?;
    let code = fields.required("currency", Fields::word)?;
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

/// The minimum amount: half a unit of the currency, or 50 if the currency has no smaller unit.
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

fn payer(mut fields: Fields) -> Result<Payer, Error> {
    let email = customer::email(&mut fields)?;
    let name = customer::name(&mut fields)?;
    let phone = customer::phone(&mut fields)?;
    fields.finish()?;
    Ok(Payer { email, name, phone })
}

/// A payment to create.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PaymentToCreate")]
pub struct CreatePaymentBody {
    /// Amount to charge, in the currency's smallest unit: 5000 is 50.00 USD. The minimum is half a
    /// unit of the currency, or 50 if the currency has no smaller unit.
    #[schemars(range(min = 50, max = limits::MINOR_MAX), example = 5000)]
    pub amount: i64,
    /// Three-letter ISO 4217 currency code, in upper case.
    #[schemars(regex(pattern = limits::CURRENCY), example = &"USD")]
    pub currency: String,
    /// Payment method.
    #[schemars(extend("enum" = ["card"]))]
    pub payment_method: String,
    /// The payer. If a customer with this e-mail address exists, the payment is attached to it and
    /// the customer is not changed.
    pub customer: Option<Payer>,
    /// The card to charge. Without a card, the payment stays `pending` and fails after 24 hours.
    pub card: Option<CardBody>,
    /// Your description of the payment.
    #[schemars(length(max = limits::DESCRIPTION_MAX))]
    pub description: Option<String>,
    /// Key-value pairs to attach to the object: at most 50 keys, 5 levels of nesting, and 500
    /// characters per string.
    pub metadata: Option<Map<String, Value>>,
}

/// The payer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PayerDetails")]
pub struct Payer {
    /// E-mail address.
    #[schemars(length(max = limits::EMAIL_MAX), example = &"customer@example.com")]
    pub email: Option<String>,
    /// Full name.
    #[schemars(length(max = limits::NAME_MAX))]
    pub name: Option<String>,
    /// Telephone number.
    #[schemars(length(max = limits::PHONE_MAX))]
    pub phone: Option<String>,
}

#[cfg(test)]
mod tests;
