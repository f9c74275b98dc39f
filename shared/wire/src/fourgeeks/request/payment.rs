//! A payment, or a session, to create.

use domain::card;
use domain::merchant::Mode;
use domain::money::{AmountError, Currency, Money};
use domain::payment::Checkout;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{DECIMAL, TOO_LARGE, decimal};
use crate::fields::{FieldError, Fields};

/// Characters that a description may have. With the bounds of the other texts it keeps the page's
/// address short enough for what lies on its way.
const DESCRIPTION_MAX: usize = 500;
/// How many items a payment may name.
const ITEMS_MAX: usize = 50;
/// Characters that an item may have.
const ITEM_MAX: usize = 100;
/// Characters that all items together may have.
const ITEMS_LENGTH_MAX: usize = 1_000;
/// Characters that the way back may have.
const URL_MAX: usize = 2_000;

/// A payment to be paid on the hosted page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePayment {
    /// How much.
    pub money: Money,
    /// What is paid for; a payment always says it, a session need not.
    pub description: Option<String>,
    /// What the page says, and where it sends the payer.
    pub checkout: Checkout,
}

impl CreatePayment {
    /// Reads the body of `POST /v1/payments/`; all fields are required. In live mode the payer goes
    /// back by https only.
    pub fn read(body: Value, mode: Mode) -> Result<Self, FieldError> {
        let mut fields = Fields::of(body)?;
        let money = money(&mut fields)?;
        let description = description(&mut fields)?;
        let description = Some(fields.required("description", description)?);
        let items = items(&mut fields)?;
        let items = fields.required("items", items)?;
        let return_url = return_url(&mut fields, mode)?;
        fields.finish()?;
        Ok(Self::of(money, description, items, return_url))
    }

    /// Reads the body of `POST /v1/payments/session`: the same fields, but a description and items
    /// are optional, and `mode` may be `payment`.
    pub fn read_session(body: Value, mode: Mode) -> Result<Self, FieldError> {
        let mut fields = Fields::of(body)?;
        let money = money(&mut fields)?;
        let description = description(&mut fields)?;
        let items = items(&mut fields)?.unwrap_or_default();
        let return_url = return_url(&mut fields, mode)?;
        if fields
            .text("mode", 40)?
            .is_some_and(|mode| mode != "payment")
        {
            return Err(wrong("mode", "must be payment"));
        }
        fields.finish()?;
        Ok(Self::of(money, description, items, return_url))
    }

    const fn of(
        money: Money,
        description: Option<String>,
        items: Vec<String>,
        return_url: String,
    ) -> Self {
        Self {
            money,
            description,
            checkout: Checkout { items, return_url },
        }
    }
}

fn wrong(param: &str, why: impl Into<String>) -> FieldError {
    FieldError::Invalid {
        param: param.to_owned(),
        why: why.into(),
    }
}

fn money(fields: &mut Fields) -> Result<Money, FieldError> {
    let amount = fields.text("amount", 40)?;
    let amount = fields.required("amount", amount)?;
    let code = fields.text("currency", 40)?;
    let code = fields.required("currency", code)?;
    let currency = Currency::parse(&code).ok_or_else(|| {
        wrong(
            "currency",
            "must be an ISO 4217 code in upper case, such as USD",
        )
    })?;
    let amount = decimal("amount", &amount, currency.exponent())?;
    Money::from_major(amount, currency).map_err(|not| match not {
        AmountError::NotPositive | AmountError::TooFine => wrong("amount", "must be more than 0"),
        AmountError::TooLarge => wrong("amount", TOO_LARGE),
    })
}

fn description(fields: &mut Fields) -> Result<Option<String>, FieldError> {
    let description = fields.text("description", DESCRIPTION_MAX)?;
    if description
        .as_ref()
        .is_some_and(|text| text.trim().is_empty())
    {
        return Err(wrong("description", "must not be empty"));
    }
    Ok(description)
}

fn items(fields: &mut Fields) -> Result<Option<Vec<String>>, FieldError> {
    let Some(items) = fields.texts("items")? else {
        return Ok(None);
    };
    if items.is_empty() || items.len() > ITEMS_MAX {
        return Err(wrong("items", format!("must have 1 to {ITEMS_MAX} items")));
    }
    if items.iter().any(|item| card::contains_card_number(item)) {
        let param = "items".to_owned();
        return Err(FieldError::CardNumber { param });
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
        return Err(wrong("items", why));
    }
    Ok(Some(items))
}

fn return_url(fields: &mut Fields, mode: Mode) -> Result<String, FieldError> {
    let text = fields.text("return_url", URL_MAX)?;
    let text = fields.required("return_url", text)?;
    let is_https = text.starts_with("https://");
    let is_http = text.starts_with("http://");
    // Readers of URLs drop blanks and tabs; what is stored is what was judged.
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    let url = Url::parse(&text)
        .ok()
        .filter(|_| is_plain && (is_https || is_http));
    let Some(url) = url else {
        let why = "must be an absolute URL, such as https://example.com/payment-result";
        return Err(wrong("return_url", why));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("return_url", "must not hold a user name or password"));
    }
    if mode.is_live() && !is_https {
        return Err(wrong("return_url", "must begin with https:// in live mode"));
    }
    Ok(text)
}

/// A payment to create.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PaymentToCreate")]
pub struct CreatePaymentBody {
    /// How much to charge, in major units: more than 0, at most the currency's decimals, at most 12
    /// digits.
    #[schemars(regex(pattern = DECIMAL), length(max = 40), example = "500.00")]
    pub amount: String,
    /// What is paid for.
    #[schemars(length(min = 1, max = 500), example = "Premium subscription payment")]
    pub description: String,
    /// ISO 4217.
    #[schemars(regex(pattern = "^[A-Z]{3}$"), example = &"USD")]
    pub currency: String,
    /// Names of what is paid for, 1,000 characters together. Labels only.
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 100)))]
    pub items: Vec<String>,
    /// Where the payer goes afterwards, with `id_payment` added to the query. Absolute, without user
    /// name; in live mode https.
    #[schemars(
        regex(pattern = "^https?://"),
        length(max = 2000),
        example = "https://example.com/payment-result"
    )]
    pub return_url: String,
}

/// A session to create.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SessionToCreate")]
pub struct CreateSessionBody {
    /// How much to charge, in major units: more than 0, at most the currency's decimals, at most 12
    /// digits.
    #[schemars(regex(pattern = DECIMAL), length(max = 40), example = "99.99")]
    pub amount: String,
    /// ISO 4217.
    #[schemars(regex(pattern = "^[A-Z]{3}$"), example = &"USD")]
    pub currency: String,
    /// Where the payer goes afterwards, with `id_payment` added to the query. Absolute, without user
    /// name; in live mode https.
    #[schemars(
        regex(pattern = "^https?://"),
        length(max = 2000),
        example = "https://yoursite.com/success"
    )]
    pub return_url: String,
    /// What is paid for.
    #[schemars(length(min = 1, max = 500))]
    pub description: Option<String>,
    /// Names of what is paid for, 1,000 characters together. Labels only.
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 100)))]
    pub items: Option<Vec<String>>,
    /// What the session is for.
    #[schemars(regex(pattern = "^payment$"))]
    pub mode: Option<String>,
}

#[cfg(test)]
mod tests;
