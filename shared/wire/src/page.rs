//! Lists in parts: newest first, from an object on or from an offset on.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::fields::FieldError;
use crate::query::{Parameters, invalid};

/// How many objects a part has if nobody says.
const LIMIT_DEFAULT: u32 = 10;
/// How many objects a part may have.
const LIMIT_MAX: u32 = 100;
/// How many objects may be skipped: each costs as much as one that is shown.
const OFFSET_MAX: u32 = 10_000;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<T> {
    /// How many objects to show, 1 to 100.
    pub limit: u32,
    /// How many to skip before the first one, 0 to 10,000.
    pub offset: u32,
    /// The object after which the part begins, itself not shown.
    pub after: Option<T>,
}

impl<T> Page<T> {
    /// Reads `limit`, `offset` and `starting_after`, an id that `id` reads.
    pub fn read(
        parameters: &Parameters,
        id: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Self, FieldError> {
        let limit = parameters.number("limit", 1..=LIMIT_MAX)?;
        let offset = parameters.number("offset", 0..=OFFSET_MAX)?;
        let after = match parameters.text("starting_after")? {
            None => None,
            Some(text) => {
                let wrong =
                    || invalid("starting_after", "must be the id of an object of this list");
                Some(id(text).ok_or_else(wrong)?)
            }
        };
        Ok(Self {
            limit: limit.unwrap_or(LIMIT_DEFAULT),
            offset: offset.unwrap_or_default(),
            after,
        })
    }

    /// How many rows to look for: one more than is shown tells whether there are more.
    pub fn rows(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Takes what is not shown off the rows; says whether there was any.
    pub fn cut<R>(&self, rows: &mut Vec<R>) -> bool {
        let shown = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > shown;
        rows.truncate(shown);
        has_more
    }
}

/// Which part of a list, newest first. Unknown parameters are ignored.
#[derive(Deserialize, JsonSchema)]
pub struct PageParameters {
    /// How many objects to return.
    #[schemars(range(min = 1, max = 100), extend("default" = 10))]
    pub limit: Option<u32>,
    /// How many objects to skip. Reach further with `starting_after`.
    #[schemars(range(min = 0, max = 10000), extend("default" = 0))]
    pub offset: Option<u32>,
    /// The id of the last object you have: the list goes on after it.
    pub starting_after: Option<String>,
}

#[cfg(test)]
mod tests {
    use domain::id::PaymentId;

    use super::*;

    fn read(query: &str) -> Result<Page<PaymentId>, FieldError> {
        Page::read(&Parameters::of(query), PaymentId::parse)
    }

    fn param(query: &str) -> Option<String> {
        match read(query) {
            Err(FieldError::Invalid { param, .. }) => Some(param),
            _ => None,
        }
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
            assert_eq!(param(query).as_deref(), Some(name), "{query}");
        }
    }

    #[test]
    fn one_row_more_tells_of_the_next_part() {
        let page = read("limit=2");
        assert_eq!(page.as_ref().map(Page::rows), Ok(3));
        for (found, shown, more) in [(0, 0, false), (2, 2, false), (3, 2, true)] {
            let mut rows = vec![0_u8; found];
            let has_more = page.as_ref().map(|page| page.cut(&mut rows));
            assert_eq!((has_more, rows.len()), (Ok(more), shown));
        }
    }
}
