//! Reads the fields of a JSON object one by one, so that an error names the field that is wrong.

use std::fmt;

use domain::card::{self, CardError};
use domain::unicode;
use serde_json::{Map, Value};

use crate::limits;

/// Maximum number of keys of an object, or items of an array, in metadata.
const METADATA_MEMBERS_MAX: usize = 50;
/// Maximum nesting depth of metadata.
const METADATA_DEPTH_MAX: usize = 5;
/// Numbers in metadata must be smaller than this. The database returns numbers with all their
/// digits, and larger ones could not be parsed again.
const NUMBER_MAX: f64 = 1e300;
/// Maximum length of a string in metadata, in characters.
const METADATA_TEXT_MAX: usize = 500;

/// A field that is rejected. Each surface renders it in its own format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field, such as `card.number`; empty for the body itself.
    pub param: String,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is required and missing.
    Missing,
    /// It has the wrong type or value. The text is the end of a sentence: "must be …".
    Invalid(String),
    /// It is unknown. It is rejected rather than ignored, because the client may expect it to
    /// affect the amount charged.
    Unknown,
    /// It is a query parameter that the operation does not have. Holds the names of those it has.
    UnknownParameter(String),
    /// It is stored, and its value contains a card number.
    CardNumber,
    /// It is not an e-mail address.
    Address,
    /// It is an invalid part of a card.
    Card(CardError),
}

/// The end of a sentence that begins with the field.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Missing => f.write_str("is required"),
            Why::Invalid(why) => f.write_str(why),
            Why::Unknown => f.write_str("is not a field of this request"),
            Why::UnknownParameter(known) if known.is_empty() => {
                f.write_str("is not a parameter of this request, which has none")
            }
            Why::UnknownParameter(known) => {
                write!(f, "is not a parameter of this request, which has {known}")
            }
            Why::CardNumber => f.write_str("holds what looks like a card number"),
            Why::Address => f.write_str("must be an e-mail address"),
            Why::Card(why) => write!(f, "is wrong: {why}"),
        }
    }
}

impl FieldError {
    /// An error about the field at this path.
    pub fn new(param: impl Into<String>, why: Why) -> Self {
        let param = param.into();
        Self { param, why }
    }
}

/// The field has the wrong type or value. `why` is the end of a sentence: "must be …".
pub fn invalid(param: impl Into<String>, why: impl Into<String>) -> FieldError {
    FieldError::new(param, Why::Invalid(why.into()))
}

/// A change to one field of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldChange<T> {
    /// The field is absent and keeps its value.
    Keep,
    /// The field is `null` and is cleared.
    Clear,
    /// The field is set to this value.
    To(T),
}

impl<T> FieldChange<T> {
    /// The new value, if the field changes: `Some(None)` clears it.
    pub fn provided(self) -> Option<Option<T>> {
        match self {
            FieldChange::Keep => None,
            FieldChange::Clear => Some(None),
            FieldChange::To(value) => Some(Some(value)),
        }
    }
}

/// The fields of an object, removed as they are read. [`Fields::finish`] rejects those that are
/// left.
pub struct Fields {
    path: String,
    left: Map<String, Value>,
}

impl Fields {
    /// The fields of a request body, which must be an object.
    pub fn of(body: Value) -> Result<Self, FieldError> {
        Self::below(String::new(), body)
    }

    fn below(path: String, value: Value) -> Result<Self, FieldError> {
        match value {
            Value::Object(left) => Ok(Self { path, left }),
            _ => Err(invalid(path, "must be an object")),
        }
    }

    /// The full path of a field.
    fn param(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// An error about the field of this name.
    pub fn error(&self, name: &str, why: Why) -> FieldError {
        FieldError::new(self.param(name), why)
    }

    /// The field of this name has the wrong type or value.
    pub fn invalid(&self, name: &str, why: impl Into<String>) -> FieldError {
        self.error(name, Why::Invalid(why.into()))
    }

    /// Reads a required field with `read`. Returns [`Why::Missing`] if it is absent.
    pub fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self, &str) -> Result<Option<T>, FieldError>,
    ) -> Result<T, FieldError> {
        read(self, name)?.ok_or_else(|| self.error(name, Why::Missing))
    }

    /// Reads any value; `null` counts as absent.
    pub fn value(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name).filter(|value| !value.is_null())
    }

    /// Reads a string of at most `most` characters that will be stored. Rejects NUL and card
    /// numbers.
    pub fn text(&mut self, name: &str, most: usize) -> Result<Option<String>, FieldError> {
        let text = self.secret_text(name, most)?;
        match text {
            Some(text) if card::contains_card_number(&text) => {
                Err(self.error(name, Why::CardNumber))
            }
            text => Ok(text),
        }
    }

    /// Reads a string of at most `most` characters that may be a card number. Callers must not
    /// store it in plain text.
    pub fn secret_text(&mut self, name: &str, most: usize) -> Result<Option<String>, FieldError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.chars().count() > most => {
                Err(self.invalid(name, format!("must have at most {most} characters")))
            }
            Some(Value::String(text)) if text.contains('\0') => {
                Err(self.invalid(name, "must not contain a NUL character"))
            }
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.invalid(name, "must be a string")),
        }
    }

    /// Reads an amount as a decimal string. It is not stored, and not searched for card numbers: an
    /// amount of twelve digits may look like one.
    pub fn amount(&mut self, name: &str) -> Result<Option<String>, FieldError> {
        self.secret_text(name, limits::AMOUNT_MAX)
    }

    /// Reads a value of a fixed list, such as a currency code.
    pub fn word(&mut self, name: &str) -> Result<Option<String>, FieldError> {
        self.text(name, limits::WORD_MAX)
    }

    /// Reads an e-mail address of at most 254 characters.
    pub fn address(&mut self, name: &str) -> Result<Option<String>, FieldError> {
        match self.text(name, limits::EMAIL_MAX)? {
            Some(text) if !is_address(&text) => Err(self.error(name, Why::Address)),
            address => Ok(address),
        }
    }

    /// Reads the change to a field with `read`; `null` clears the field.
    pub fn change<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> Result<Option<T>, FieldError>,
    ) -> Result<FieldChange<T>, FieldError> {
        if !self.left.contains_key(name) {
            return Ok(FieldChange::Keep);
        }
        Ok(read(self)?.map_or(FieldChange::Clear, FieldChange::To))
    }

    /// Reads an integer. Rejects `50.0`, `5e1` and `"50"`.
    pub fn integer(&mut self, name: &str) -> Result<Option<i64>, FieldError> {
        match self.value(name) {
            None => Ok(None),
            Some(value) => match value.as_i64() {
                Some(number) => Ok(Some(number)),
                None if value.is_u64() => Ok(Some(i64::MAX)),
                None => Err(self.invalid(name, "must be an integer")),
            },
        }
    }

    /// Reads a boolean.
    pub fn boolean(&mut self, name: &str) -> Result<Option<bool>, FieldError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.invalid(name, "must be true or false")),
        }
    }

    /// Reads a nested object.
    pub fn object(&mut self, name: &str) -> Result<Option<Self>, FieldError> {
        let path = self.param(name);
        self.value(name)
            .map(|value| Self::below(path, value))
            .transpose()
    }

    /// Reads an array of strings.
    pub fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, FieldError> {
        let wrong = self.invalid(name, "must be an array of strings");
        let items = match self.value(name) {
            None => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(wrong),
        };
        let texts = items.into_iter().map(|item| match item {
            Value::String(text) => Some(text),
            _ => None,
        });
        texts.collect::<Option<Vec<_>>>().map(Some).ok_or(wrong)
    }

    /// Reads `metadata`, the merchant's own keys and values: at most 50 keys, five levels of
    /// nesting, 500 characters per string, and no card numbers. Empty if absent.
    pub fn metadata(&mut self) -> Result<Map<String, Value>, FieldError> {
        Ok(self.optional_metadata()?.unwrap_or_default())
    }

    /// Reads `metadata` like [`Fields::metadata`]; `None` if it is absent.
    pub fn optional_metadata(&mut self) -> Result<Option<Map<String, Value>>, FieldError> {
        let param = self.param("metadata");
        let members = match self.value("metadata") {
            None => return Ok(None),
            Some(Value::Object(members)) => members,
            Some(_) => return Err(self.invalid("metadata", "must be an object")),
        };
        if members.len() > METADATA_MEMBERS_MAX {
            return Err(self.invalid("metadata", "must have at most 50 keys"));
        }
        members.iter().try_for_each(|(key, value)| {
            check_text(&param, key)?;
            check_metadata(&param, value, METADATA_DEPTH_MAX - 1)
        })?;
        Ok(Some(members))
    }

    /// Returns [`Why::Unknown`] if a field is left that was not read.
    pub fn finish(self) -> Result<(), FieldError> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(self.error(shown(name), Why::Unknown)),
        }
    }
}

/// The name of an unknown field or parameter, or `…`: the client chose it, and it may be a card
/// number, which must not be repeated.
pub(crate) fn shown(name: &str) -> &str {
    let is_repeated = (1..=40).contains(&name.len()) && !card::contains_card_number(name);
    if is_repeated { name } else { "…" }
}

fn is_address(text: &str) -> bool {
    // Of two addresses that look the same, one would be another customer.
    let is_unseen = |c: char| c.is_whitespace() || c.is_control() || unicode::is_invisible(c);
    let is_seen = !text.contains(is_unseen);
    let parts = text.split_once('@');
    is_seen && parts.is_some_and(|(l, d)| !l.is_empty() && !d.is_empty() && !d.contains('@'))
}

fn check_metadata(param: &str, value: &Value, depth: usize) -> Result<(), FieldError> {
    let invalid = |why| invalid(param, why);
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::Number(number) if number.as_f64().is_none_or(|size| size.abs() >= NUMBER_MAX) => {
            Err(invalid("must have numbers below 1e300"))
        }
        // A card number is a whole number. The decimals of others may look like the rest of one.
        Value::Number(number) => {
            let text = number.to_string();
            check_text(param, text.split('.').next().unwrap_or_default())
        }
        Value::String(text) => check_text(param, text),
        Value::Array(_) | Value::Object(_) if depth == 0 => {
            Err(invalid("must have at most 5 levels"))
        }
        Value::Array(items) if items.len() > METADATA_MEMBERS_MAX => {
            Err(invalid("must have at most 50 items in an array"))
        }
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| check_metadata(param, item, depth - 1)),
        Value::Object(members) if members.len() > METADATA_MEMBERS_MAX => {
            Err(invalid("must have at most 50 keys"))
        }
        Value::Object(members) => members.iter().try_for_each(|(key, value)| {
            check_text(param, key)?;
            check_metadata(param, value, depth - 1)
        }),
    }
}

fn check_text(param: &str, text: &str) -> Result<(), FieldError> {
    let why = if text.chars().count() > METADATA_TEXT_MAX {
        Why::Invalid("must have texts of at most 500 characters".to_owned())
    } else if text.contains('\0') {
        Why::Invalid("must not contain a NUL character".to_owned())
    } else if card::contains_card_number(text) {
        Why::CardNumber
    } else {
        return Ok(());
    };
    Err(FieldError::new(param, why))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn decimals_are_no_card_numbers() {
        let read = |number| {
            let body = json!({ "metadata": { "a": number } });
            let read = Fields::of(body).and_then(|mut fields| fields.metadata());
            read.err().map(|error| error.why)
        };
        let card = Some(Why::CardNumber);
        assert_eq!(read(json!(4_242_424_242_424_242_u64)), card);
        assert_eq!(read(json!(4_242_424_242_424_242.0)), card);
        assert_eq!(read(json!(4_242_424_242.424_242)), None);
    }

    #[test]
    fn metadata_has_no_number_that_could_not_be_read_again() -> Result<(), FieldError> {
        let read = |number: f64| {
            let body = json!({ "metadata": { "a": [number] } });
            Fields::of(body).and_then(|mut fields| fields.metadata())
        };
        for number in [1e300, -1e300, f64::MAX, f64::MIN] {
            assert!(read(number).is_err(), "{number}");
        }
        for number in [0.0, 1.5, -2e299, f64::MIN_POSITIVE] {
            read(number)?;
        }
        Ok(())
    }
}
