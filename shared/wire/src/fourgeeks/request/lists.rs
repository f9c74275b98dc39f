//! List parameters.

use domain::id::{CustomerId, PaymentId};
use domain::merchant::Mode;
use domain::payment::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::fields::{FieldError, invalid};
use crate::fourgeeks::payment_id;
use crate::limits;
use crate::page::Page;
use crate::query::Parameters;

/// Parameters for retrieving a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadPayment {
    test: Option<bool>,
}

impl ReadPayment {
    /// Reads the query; `test` must be `true` or `false`.
    pub fn read(query: &str) -> Result<Self, FieldError> {
        let test = test(&Parameters::of(query))?;
        Ok(Self { test })
    }

    /// Whether the parameter `test` allows objects of this mode.
    pub fn may_show(self, mode: Mode) -> bool {
        self.test.is_none_or(|test| test != mode.is_live())
    }
}

/// Parameters for listing payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPayments {
    /// Which modes the parameter `test` allows.
    pub test: ReadPayment,
    /// Only payments in these states; empty means all.
    pub states: Vec<State>,
    /// The requested page.
    pub page: Page<PaymentId>,
}

impl ListPayments {
    /// Reads the query.
    pub fn read(query: &str) -> Result<Self, FieldError> {
        let parameters = Parameters::of(query);
        let test = test(&parameters)?;
        let why = "must be pending, succeeded, completed, failed or canceled";
        let states = parameters.parsed("status", why, states)?;
        Ok(Self {
            test: ReadPayment { test },
            states: states.unwrap_or_default(),
            page: Page::read(&parameters, payment_id)?,
        })
    }
}

/// Reads `true` or `false` in any case: Python clients send `True`.
fn test(parameters: &Parameters) -> Result<Option<bool>, FieldError> {
    parameters.parsed("test", "must be true or false", |text| {
        text.to_ascii_lowercase().parse().ok()
    })
}

/// The states with a status. `succeeded` and `completed` are equivalent.
fn states(word: &str) -> Option<Vec<State>> {
    match word {
        "pending" => Some(vec![State::Created, State::Authorizing, State::Capturing]),
        "succeeded" | "completed" => Some(vec![State::Captured]),
        "failed" => Some(vec![State::Failed]),
        "canceled" => Some(vec![State::Expired]),
        _ => None,
    }
}

/// Parameters for listing customers by page number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerPages {
    number: u32,
    size: u32,
}

impl CustomerPages {
    /// Reads `page`, starting at 1, and `page_size`, 1 to 100. Rejects pages that skip more than
    /// 10,000 customers.
    pub fn read(query: &str) -> Result<Self, FieldError> {
        let parameters = Parameters::of(query);
        let number = parameters
            .number("page", 1..=limits::OFFSET_MAX + 1)?
            .unwrap_or(1);
        let size = parameters.number("page_size", 1..=limits::LIST_MAX)?;
        let size = size.unwrap_or(limits::LIST_DEFAULT);
        let pages = Self { number, size };
        if pages.offset() > limits::OFFSET_MAX {
            let why = "must not begin behind the 10,000th customer";
            return Err(invalid("page", why));
        }
        Ok(pages)
    }

    /// The page as a limit and an offset.
    pub const fn page(self) -> Page<CustomerId> {
        Page {
            limit: self.size,
            offset: self.offset(),
            after: None,
        }
    }

    const fn offset(self) -> u32 {
        (self.number - 1) * self.size
    }

    /// The URL of the next page, if it has customers and skips at most 10,000.
    pub fn next(self, address: &str, count: u64) -> Option<String> {
        let shown = self.offset() + self.size;
        let is_there = count > u64::from(shown) && shown <= limits::OFFSET_MAX;
        is_there.then(|| self.address(address, self.number + 1))
    }

    /// The URL of the previous page, if there is one.
    pub fn previous(self, address: &str) -> Option<String> {
        (self.number > 1).then(|| self.address(address, self.number - 1))
    }

    fn address(self, address: &str, number: u32) -> String {
        format!("{address}?page={number}&page_size={}", self.size)
    }
}

/// Parameters for retrieving a payment.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ReadPaymentParameters {
    /// Returns the payment only if it is in test mode (`true`) or in live mode (`false`).
    pub test: Option<bool>,
}

/// Parameters for listing customers by page number.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CustomerPagesParameters {
    /// Page number.
    #[schemars(range(min = 1, max = limits::OFFSET_MAX + 1), extend("default" = 1))]
    pub page: Option<u32>,
    /// Number of customers per page.
    #[schemars(range(min = 1, max = limits::LIST_MAX), extend("default" = limits::LIST_DEFAULT))]
    pub page_size: Option<u32>,
}

/// Parameters for listing payments, newest first.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct PaymentsParameters {
    /// Only payments with this status. `succeeded` and `completed` are equivalent.
    #[schemars(regex(pattern = "^(pending|succeeded|completed|failed|canceled)$"))]
    pub status: Option<String>,
    /// Only payments in test mode (`true`) or in live mode (`false`). An API key sees only payments
    /// of its own mode.
    pub test: Option<bool>,
    /// Maximum number of payments to return. The response does not state whether more follow.
    #[schemars(range(min = 1, max = limits::LIST_MAX), extend("default" = limits::LIST_DEFAULT))]
    pub limit: Option<u32>,
    /// Number of payments to skip, at most 10,000. To go further, use `starting_after`.
    #[schemars(range(min = 0, max = limits::OFFSET_MAX), extend("default" = 0))]
    pub offset: Option<u32>,
    /// Cursor for pagination: the id of the last payment on the previous page, as a `pay_` id or a
    /// UUID.
    pub starting_after: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::samples::is_invalid;

    #[test]
    fn the_documents_query_is_read() -> Result<(), FieldError> {
        let read = ListPayments::read("status=succeeded&test=false")?;
        assert_eq!(read.states, [State::Captured]);
        assert!(!read.test.may_show(Mode::Test) && read.test.may_show(Mode::Live));
        let bare = ListPayments::read("")?;
        assert_eq!(
            (bare.states, bare.page.limit, bare.page.offset),
            (vec![], 10, 0)
        );
        assert!(bare.test.may_show(Mode::Test) && bare.test.may_show(Mode::Live));
        let read = ListPayments::read("limit=7&offset=14&test=True")?;
        assert_eq!((read.page.limit, read.page.offset), (7, 14));
        assert!(read.test.may_show(Mode::Test));
        Ok(())
    }

    #[test]
    fn every_state_is_found_under_one_status() {
        let words = ["pending", "succeeded", "failed", "canceled"];
        let found: Vec<State> = words
            .iter()
            .filter_map(|word| states(word))
            .flatten()
            .collect();
        assert_eq!(found, State::ALL);
        assert_eq!(states("completed"), states("succeeded"));
    }

    #[test]
    fn a_list_goes_on_after_either_spelling() -> Result<(), FieldError> {
        let id = PaymentId(Uuid::from_u128(7));
        for text in [id.to_string(), id.0.to_string()] {
            let read = ListPayments::read(&format!("starting_after={text}"))?;
            assert_eq!(read.page.after, Some(id));
        }
        Ok(())
    }

    #[test]
    fn wrong_parameters_are_named() {
        for (query, name) in [
            ("status=paid", "status"),
            ("status=", "status"),
            ("status=failed&status=failed", "status"),
            ("test=1", "test"),
            ("test=", "test"),
            ("limit=0", "limit"),
            ("offset=10001", "offset"),
            (
                "starting_after=cus_0000000000000000000001",
                "starting_after",
            ),
        ] {
            assert!(is_invalid(ListPayments::read(query).err(), name), "{query}");
        }
        assert!(is_invalid(ReadPayment::read("test=maybe").err(), "test"));
        for (query, name) in [
            ("page=0", "page"),
            ("page=1002", "page"),
            ("page=10001&page_size=2", "page"),
            ("page_size=101", "page_size"),
        ] {
            assert!(
                is_invalid(CustomerPages::read(query).err(), name),
                "{query}"
            );
        }
    }

    #[test]
    fn pages_name_their_neighbours() -> Result<(), FieldError> {
        let second = CustomerPages::read("page=2&page_size=2")?;
        assert_eq!((second.page().offset, second.page().limit), (2, 2));
        let at = |number| Some(format!("/v1/customers/?page={number}&page_size=2"));
        assert_eq!(second.next("/v1/customers/", 5), at(3));
        assert_eq!(second.next("/v1/customers/", 4), None);
        assert_eq!(second.previous("/v1/customers/"), at(1));
        let first = CustomerPages::read("")?;
        assert_eq!((first.page().offset, first.page().limit), (0, 10));
        assert_eq!(first.previous("/v1/customers/"), None);
        let last = CustomerPages::read("page=101&page_size=100")?;
        assert_eq!((last.offset(), last.next("/", 1_000_000)), (10_000, None));
        Ok(())
    }

    proptest! {
        #[test]
        fn no_query_breaks_the_readers(query in "\\PC{0,60}", value in "\\PC{0,20}") {
            let named = ["test", "status", "limit", "offset", "starting_after", "page", "page_size"];
            let named = named.map(|name| format!("{name}={value}"));
            for query in named.into_iter().chain([query]) {
                let _ = (ListPayments::read(&query), ReadPayment::read(&query), CustomerPages::read(&query));
            }
        }
    }
}
