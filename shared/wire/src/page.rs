//! Pagination of lists, newest first, by cursor or by offset.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::fields::{FieldError, invalid};
use crate::limits;
use crate::query::Parameters;

const CURSOR: &str = "starting_after";
const NOT_LISTED: &str = "must be the id of an object of this list";

/// The error for a `starting_after` that names no object of the list: the same for a malformed id,
/// an unknown one, and one of another merchant.
pub fn not_listed() -> FieldError {
    invalid(CURSOR, NOT_LISTED)
}

/// A requested page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<T> {
    /// Maximum number of objects to return, 1 to 100.
    pub limit: u32,
    /// Number of objects to skip, 0 to 10,000.
    pub offset: u32,
    /// The last object of the previous page; the page starts after it.
    pub after: Option<T>,
}

impl<T> Page<T> {
    /// Reads `limit`, `offset` and `starting_after`, whose id is parsed with `id`.
    pub fn read(
        parameters: &Parameters,
        id: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Self, FieldError> {
        let limit = parameters.number("limit", 1..=limits::LIST_MAX)?;
        let offset = parameters.number("offset", 0..=limits::OFFSET_MAX)?;
        let after = parameters.parsed(CURSOR, NOT_LISTED, id)?;
        Ok(Self {
            limit: limit.unwrap_or(limits::LIST_DEFAULT),
            offset: offset.unwrap_or_default(),
            after,
        })
    }
}

/// Parameters for listing objects, newest first.
#[derive(Deserialize, JsonSchema)]
pub struct PageParameters {
    /// Maximum number of objects to return.
    #[schemars(range(min = 1, max = limits::LIST_MAX), extend("default" = limits::LIST_DEFAULT))]
    pub limit: Option<u32>,
    /// Number of objects to skip, at most 10,000. To go further, use `starting_after`.
    #[schemars(range(min = 0, max = limits::OFFSET_MAX), extend("default" = 0))]
    pub offset: Option<u32>,
    /// Cursor for pagination: the id of the last object on the previous page.
    pub starting_after: Option<String>,
}

#[cfg(test)]
mod tests {
    use domain::id::PaymentId;

    use super::*;
    use crate::samples::is_invalid;

    fn read(query: &str) -> Result<Page<PaymentId>, FieldError> {
        Page::read(&Parameters::of(query), PaymentId::parse)
    }

    #[test]
    fn a_part_has_ten_objects_unless_said_otherwise() {
        let first = Page {
            limit: 10,
            offset: 0,
            after: None,
        };
        assert_eq!(read(""), Ok(first));
        let id = "pay_0351FsBhSOBpYQOKPhbU9H";
        let page = Page {
            limit: 100,
            offset: 10_000,
            after: PaymentId::parse(id),
        };
        let query = format!("limit=100&offset=10000&starting_after={id}");
        assert_eq!(read(&query), Ok(page));
    }

    #[test]
    fn what_is_out_of_range_or_no_id_is_named() {
        for (query, name) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("offset=-1", "offset"),
            ("offset=10001", "offset"),
            ("starting_after=", "starting_after"),
            (
                "starting_after=cus_0351FsBhSOBpYQOKPhbU9H",
                "starting_after",
            ),
            ("starting_after=4242424242424242", "starting_after"),
            (
                "starting_after=pay_1&starting_after=pay_1",
                "starting_after",
            ),
        ] {
            assert!(is_invalid(read(query).err(), name), "{query}");
        }
        assert_eq!(read("starting_after=pay_1"), Err(not_listed()));
    }
}
