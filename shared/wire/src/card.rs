//! A card as clients write it: the same four fields on every surface that takes the object `card`.

use domain::card::{self, CardError};
use schemars::JsonSchema;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::fields::{FieldError, Fields};

/// Reads the fields of a card.
pub fn read(mut fields: Fields) -> Result<card::Card, FieldError> {
    let number = fields.secret_text("number", 40)?;
    let number = Zeroizing::new(fields.required("number", number)?);
    let month = fields.integer("exp_month")?;
    let month = fields.required("exp_month", month)?;
    let year = fields.integer("exp_year")?;
    let year = fields.required("exp_year", year)?;
    let cvc = fields.secret_text("cvc", 10)?;
    let cvc = Zeroizing::new(fields.required("cvc", cvc)?);
    let wrong = |why| FieldError::Card {
        param: fields.param(part(why)),
        why,
    };
    let card = card::Card::new(&number, month, year, &cvc).map_err(wrong)?;
    fields.finish()?;
    Ok(card)
}

/// Which field is to blame.
const fn part(why: CardError) -> &'static str {
    match why {
        CardError::Length | CardError::NotDigits | CardError::Luhn => "number",
        CardError::Month => "exp_month",
        CardError::Year => "exp_year",
        CardError::Cvc => "cvc",
    }
}

/// The card to charge. It is sealed at once and never kept in the clear.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Card")]
pub struct CardBody {
    /// The card's number; spaces and hyphens are dropped.
    #[schemars(length(min = 12, max = 40), example = &"4242424242424242")]
    pub number: String,
    /// The month it expires.
    #[schemars(range(min = 1, max = 12))]
    pub exp_month: u8,
    /// The year it expires, four digits.
    #[schemars(range(min = 2000, max = 2099))]
    pub exp_year: u16,
    /// The security code: three digits, four for American Express.
    #[schemars(regex(pattern = "^[0-9]{3,4}$"), example = &"123")]
    pub cvc: String,
}
