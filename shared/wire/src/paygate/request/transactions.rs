//! List parameters.

use domain::id::PaymentId;
use domain::payment::State;
use schemars::JsonSchema;
use serde::Deserialize;
use time::OffsetDateTime;

use crate::page::{Page, PageParameters};
use crate::paygate::error::Error;
use crate::query::Parameters;
use crate::status::Status;

/// Parameters for listing payments, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transactions {
    /// The requested page.
    pub page: Page<PaymentId>,
    /// Only payments in these states; empty means all.
    pub states: Vec<State>,
    /// Only payments created at or after this time.
    pub from: Option<OffsetDateTime>,
    /// Only payments created before this time.
    pub to: Option<OffsetDateTime>,
}

impl Transactions {
    /// Reads the query of `GET /v1/transactions`.
    pub fn read(query: &str) -> Result<Self, Error> {
        let parameters = Parameters::of(query);
        let page = Page::read(&parameters, PaymentId::parse)?;
        let why = "must be pending, succeeded or failed";
        let status = parameters.parsed("status", why, Status::parse)?;
        let (from, to) = parameters.days(["from_date", "to_date"])?;
        Ok(Self {
            page,
            states: status.map(Status::payment_states).unwrap_or_default(),
            from,
            to,
        })
    }
}

/// Parameters for listing payments, newest first.
#[derive(Deserialize, JsonSchema)]
pub struct TransactionsParameters {
    /// The requested page.
    #[serde(flatten)]
    pub page: PageParameters,
    /// Only payments with this status.
    #[schemars(extend("enum" = ["pending", "succeeded", "failed"]))]
    pub status: Option<String>,
    /// Only payments created on this day (UTC) or later, `YYYY-MM-DD`.
    #[schemars(extend("format" = "date"))]
    pub from_date: Option<String>,
    /// Only payments created on this day (UTC) or earlier, `YYYY-MM-DD`.
    #[schemars(extend("format" = "date"))]
    pub to_date: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn field_error(query: &str) -> Option<(&'static str, Option<String>)> {
        let error = Transactions::read(query).err();
        error.map(|error| (error.code, error.param))
    }

    #[test]
    fn the_documents_example_is_read() -> Result<(), Error> {
        let read = Transactions::read("limit=20&status=succeeded")?;
        assert_eq!((read.page.limit, read.page.offset), (20, 0));
        assert_eq!(read.states, [State::Captured]);
        assert_eq!((read.from, read.to), (None, None));
        let all = Transactions::read("")?;
        assert_eq!((all.page.limit, all.states), (10, Vec::new()));
        Ok(())
    }

    #[test]
    fn days_are_whole_and_inclusive_in_utc() -> Result<(), Error> {
        let read = Transactions::read("from_date=2024-02-28&to_date=2024-02-29")?;
        assert_eq!(read.from, Some(datetime!(2024-02-28 0:00 UTC)));
        assert_eq!(read.to, Some(datetime!(2024-03-01 0:00 UTC)));
        let one = Transactions::read("from_date=2024-02-28&to_date=2024-02-28")?;
        assert_eq!(one.to, Some(datetime!(2024-02-29 0:00 UTC)));
        let ever = Transactions::read("to_date=9999-12-31")?;
        assert_eq!((ever.from, ever.to), (None, None));
        Ok(())
    }

    #[test]
    fn each_wrong_parameter_is_named() {
        for (query, param) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=-1", "limit"),
            ("limit=ten", "limit"),
            ("limit=", "limit"),
            ("limit=1&limit=2", "limit"),
            ("limit=99999999999999999999", "limit"),
            ("offset=10001", "offset"),
            ("offset=-1", "offset"),
            ("offset=1.5", "offset"),
            ("starting_after=pay_1", "starting_after"),
            ("starting_after=4242424242424242", "starting_after"),
            ("starting_after=%ff%fe", "starting_after"),
            ("starting_after=%00", "starting_after"),
            ("status=refunded", "status"),
            ("status=", "status"),
            ("status=SUCCEEDED", "status"),
            ("status=failed&status=pending", "status"),
            ("from_date=2024-02-30", "from_date"),
            ("from_date=1709164800", "from_date"),
            ("from_date=yesterday", "from_date"),
            ("to_date=20240229", "to_date"),
            ("to_date=2024-02-29T00:00:00Z", "to_date"),
            ("to_date=29.2.2024", "to_date"),
            ("from_date=2024-02-02&to_date=2024-02-01", "to_date"),
        ] {
            let expected = Some(("parameter_invalid", Some(param.to_owned())));
            assert_eq!(field_error(query), expected, "{query}");
        }
    }

    proptest! {
        #[test]
        fn no_query_breaks_the_reader(query in "((limit|offset|status|from_date|to_date|starting_after)=\\PC{0,12}&?){0,4}") {
            if let Err(error) = Transactions::read(&query) {
                prop_assert_eq!((error.status, error.param.is_some()), (400, true));
            }
        }
    }
}
