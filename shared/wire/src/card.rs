//! Cards in requests: the same four fields on every surface that takes a `card` object.

use domain::card::{self, CardError};
use schemars::JsonSchema;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::fields::{FieldError, Fields, Why};
use crate::limits;

/// Reads the fields of a card.
pub fn read(mut fields: Fields) -> Result<card::Card, FieldError> {
    let number = Zeroizing::new(fields.required("number", |fields, name| {
        fields.secret_text(name, limits::CARD_NUMBER_MAX)
    })?);
    let month = fields.required("exp_month", Fields::integer)?;
    let year = fields.required("exp_year", Fields::integer)?;
    let cvc = Zeroizing::new(fields.required("cvc", |fields, name| fields.secret_text(name, 10))?);
    let card = card::Card::new(&number, month, year, &cvc)
        .map_err(|why| fields.error(part(why), Why::Card(why)))?;
    fields.finish()?;
    Ok(card)
}

/// The field that the error is about.
const fn part(why: CardError) -> &'static str {
    match why {
        CardError::Length | CardError::NotDigits | CardError::Incorrect => "number",
        CardError::Month => "exp_month",
        CardError::Year => "exp_year",
        CardError::Cvc => "cvc",
    }
}

/// The card to charge. Encrypted on receipt and never stored in plain text.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Card")]
pub struct CardBody {
    /// Card number of 12 to 19 digits. Spaces and hyphens are ignored.
    #[schemars(length(min = 12, max = limits::CARD_NUMBER_MAX), example = &"4242424242424242")]
    pub number: String,
    /// Expiration month, 1 to 12.
    #[schemars(range(min = 1, max = 12))]
    pub exp_month: u8,
    /// Four-digit expiration year.
    #[schemars(range(min = 2000, max = 2099))]
    pub exp_year: u16,
    /// Card security code: 3 digits, or 4 for American Express.
    #[schemars(regex(pattern = limits::SECURITY_CODE), example = &"123")]
    pub cvc: String,
}
