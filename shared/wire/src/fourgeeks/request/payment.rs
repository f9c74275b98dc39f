//! Payment and session creation.

use domain::card;
use domain::merchant::Mode;
use domain::money::{AmountError, Currency, Money};
use domain::payment::Checkout;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{DECIMAL, TOO_LARGE, decimal};
use crate::fields::{FieldError, Fields, Why, invalid};
use crate::{absolute_url, limits};

/// Maximum length of a description, in characters. Together with the limits of the other fields, it
/// keeps the page's URL short enough for the servers and clients that handle it.
const DESCRIPTION_MAX: usize = 500;
/// Maximum number of items of a payment.
const ITEMS_MAX: usize = 50;
/// Maximum length of an item, in characters.
const ITEM_MAX: usize = 100;
/// Maximum length of all items together, in characters.
const ITEMS_LENGTH_MAX: usize = 1_000;

/// A payment to create and pay on the hosted checkout page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePayment {
    /// The amount.
    pub money: Money,
    /// Description of the purchase; required for payments, optional for sessions.
    pub description: Option<String>,
    /// Content of the checkout page, and where it sends the payer.
    pub checkout: Checkout,
}

impl CreatePayment {
    /// Reads the body of `POST /v1/payments/`. All fields are required; in live mode, `return_url`
    /// must use https.
    pub fn read(body: Value, mode: Mode) -> Result<Self, FieldError> {
        let mut fields = Fields::of(body)?;
        let money = money(&mut fields)?;
        let description = Some(fields.required("description", |fields, _| description(fields))?);
        let items = fields.required("items", |fields, _| items(fields))?;
        let return_url = return_url(&mut fields, mode)?;
        fields.finish()?;
        Ok(Self {
            money,
            description,
            checkout: Checkout { items, return_url },
        })
    }

    /// Reads the body of `POST /v1/payments/session`: the same fields, except that `description`
    /// and `items` are optional and `mode` may be `payment`.
    pub fn read_session(body: Value, mode: Mode) -> Result<Self, FieldError> {
        let mut fields = Fields::of(body)?;
        let money = money(&mut fields)?;
        let description = description(&mut fields)?;
        let items = items(&mut fields)?.unwrap_or_default();
        let return_url = return_url(&mut fields, mode)?;
        if fields
            .text("mode", limits::WORD_MAX)?
            .is_some_and(|mode| mode != "payment")
        {
            return Err(invalid("mode", "must be payment"));
        }
        fields.finish()?;
        Ok(Self {
            money,
            description,
            checkout: Checkout { items, return_url },
        })
    }
}

fn money(fields: &mut Fields) -> Result<Money, FieldError> {
    let amount = fields.required("amount", Fields::amount)?;
    let code = fields.required("currency", Fields::word)?;
    let currency = Currency::parse(&code).ok_or_else(|| {
        invalid(
            "currency",
            "must be an ISO 4217 code in upper case, such as USD",
        )
    })?;
    let amount = decimal("amount", &amount, currency.exponent())?;
    Money::from_major(amount, currency).map_err(|not| match not {
        AmountError::NotPositive | AmountError::TooFine => invalid("amount", "must be more than 0"),
        AmountError::TooLarge => invalid("amount", TOO_LARGE),
    })
}

fn description(fields: &mut Fields) -> Result<Option<String>, FieldError> {
    let description = fields.text("description", DESCRIPTION_MAX)?;
    if description
        .as_ref()
        .is_some_and(|text| text.trim().is_empty())
    {
        return Err(invalid("description", "must not be empty"));
    }
    Ok(description)
}

fn items(fields: &mut Fields) -> Result<Option<Vec<String>>, FieldError> {
    let Some(items) = fields.texts("items")? else {
        return Ok(None);
    };
    if items.is_empty() || items.len() > ITEMS_MAX {
        return Err(invalid(
            "items",
            format!("must have 1 to {ITEMS_MAX} items"),
        ));
    }
    if items.iter().any(|item| card::contains_card_number(item)) {
        return Err(FieldError::new("items", Why::CardNumber));
    }
    let is_fit = |item: &String| {
        let length = item.chars().count();
        length <= ITEM_MAX && !item.trim().is_empty() && !item.contains('\0')
    };
    let length: usize = items.iter().map(|item| item.chars().count()).sum();
    if !items.iter().all(is_fit) || length > ITEMS_LENGTH_MAX {
        let why = format!(
            "must have texts of 1 to {ITEM_MAX} characters, {ITEMS_LENGTH_MAX} together, without NUL"
        );
        return Err(invalid("items", why));
    }
    Ok(Some(items))
}

fn return_url(fields: &mut Fields, mode: Mode) -> Result<String, FieldError> {
    let text = fields.required("return_url", |fields, name| {
        fields.text(name, limits::URL_MAX)
    })?;
    let is_https = text.starts_with("https://");
    let is_http = text.starts_with("http://");
    // It is stored as it is sent, so it must be what a browser follows.
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain || !(is_https || is_http) {
        let why = "must be an absolute URL, such as https://example.com/payment-result";
        return Err(invalid("return_url", why));
    }
    absolute_url::parse(&text).map_err(|why| invalid("return_url", why))?;
    if mode.is_live() && !is_https {
        return Err(invalid(
            "return_url",
            "must begin with https:// in live mode",
        ));
    }
    Ok(text)
}

/// A payment to create.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PaymentToCreate")]
pub struct CreatePaymentBody {
    /// Amount to charge, in major units: greater than 0, with at most the currency's number of
    /// decimals and at most 12 digits.
    #[schemars(regex(pattern = DECIMAL), length(max = limits::AMOUNT_MAX), example = "500.00")]
    pub amount: String,
    /// Description of the purchase.
    #[schemars(length(min = 1, max = DESCRIPTION_MAX), example = "Premium subscription payment")]
    pub description: String,
    /// Three-letter ISO 4217 currency code, in upper case.
    #[schemars(regex(pattern = limits::CURRENCY), example = &"USD")]
    pub currency: String,
    /// Names of the items, shown to the payer: at most 1,000 characters in total. They have no
    /// price.
    #[schemars(length(min = 1, max = ITEMS_MAX), inner(length(min = 1, max = ITEM_MAX)))]
    pub items: Vec<String>,
    /// URL that the payer returns to, with `id_payment` added to its query. Must be absolute,
    /// without user name or password, and use https in live mode.
    #[schemars(
        regex(pattern = "^https?://"),
        length(max = 2000),
        example = "https://example.com/payment-result"
    )]
    pub return_url: String,
}

/// A checkout session to create.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SessionToCreate")]
pub struct CreateSessionBody {
    /// Amount to charge, in major units: greater than 0, with at most the currency's number of
    /// decimals and at most 12 digits.
    #[schemars(regex(pattern = DECIMAL), length(max = limits::AMOUNT_MAX), example = "99.99")]
    pub amount: String,
    /// Three-letter ISO 4217 currency code, in upper case.
    #[schemars(regex(pattern = limits::CURRENCY), example = &"USD")]
    pub currency: String,
    /// URL that the payer returns to, with `id_payment` added to its query. Must be absolute,
    /// without user name or password, and use https in live mode.
    #[schemars(
        regex(pattern = "^https?://"),
        length(max = 2000),
        example = "https://yoursite.com/success"
    )]
    pub return_url: String,
    /// Description of the purchase.
    #[schemars(length(min = 1, max = DESCRIPTION_MAX))]
    pub description: Option<String>,
    /// Names of the items, shown to the payer: at most 1,000 characters in total. They have no
    /// price.
    #[schemars(length(min = 1, max = ITEMS_MAX), inner(length(min = 1, max = ITEM_MAX)))]
    pub items: Option<Vec<String>>,
    /// Mode of the session. Only `payment` is supported.
    #[schemars(regex(pattern = "^payment$"))]
    pub mode: Option<String>,
}

#[cfg(test)]
mod tests;
