//! Which objects of a list are asked for.

use domain::id::{CustomerId, PaymentId};
use domain::merchant::Mode;
use domain::payment::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::fields::FieldError;
use crate::fourgeeks::payment_id;
use crate::page::Page;
use crate::query::{Parameters, invalid};

/// The parameter `test` of reading one payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadPayment {
    test: Option<bool>,
}

impl ReadPayment {
    /// Reads the query.
    ///
    /// # Errors
    /// [`FieldError`] if `test` is neither true nor false.
    pub fn read(query: &str) -> Result<Self, FieldError> {
        let test = test(&Parameters::of(query))?;
        Ok(Self { test })
    }

    /// Whether what a key of this mode can see may be shown.
    pub fn may_show(self, mode: Mode) -> bool {
        self.test.is_none_or(|test| test != mode.is_live())
    }
}

/// Which payments are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPayments {
    test: ReadPayment,
    /// In which states; empty for all.
    pub states: Vec<State>,
    /// Which part of them.
    pub page: Page<PaymentId>,
}

impl ListPayments {
    /// Reads the query.
    pub fn read(query: &str) -> Result<Self, FieldError> {
        let parameters = Parameters::of(query);
        let test = test(&parameters)?;
        let states = match parameters.text("status")? {
            None => vec![],
            Some(word) => states(word).ok_or_else(|| {
                invalid(
                    "status",
                    "must be pending, succeeded, completed, failed or canceled",
                )
            })?,
        };
        Ok(Self {
            test: ReadPayment { test },
            states,
            page: Page::read(&parameters, payment_id)?,
        })
    }

    /// Whether what a key of this mode can see may be shown.
    pub fn may_show(&self, mode: Mode) -> bool {
        self.test.may_show(mode)
    }
}

/// True or false, as Python writes it too.
fn test(parameters: &Parameters) -> Result<Option<bool>, FieldError> {
    match parameters.text("test")? {
        None => Ok(None),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(invalid("test", "must be true or false")),
    }
}

/// Both spellings of paid are one.
fn states(word: &str) -> Option<Vec<State>> {
    match word {
        "pending" => Some(vec![State::Created, State::Authorizing, State::Capturing]),
        "succeeded" | "completed" => Some(vec![State::Captured]),
        "failed" => Some(vec![State::Failed]),
        "canceled" => Some(vec![State::Expired]),
        _ => None,
    }
}

/// How many customers a page has if nobody says.
const PAGE_SIZE_DEFAULT: u32 = 10;
/// How many customers a page may have.
const PAGE_SIZE_MAX: u32 = 100;
/// How many customers may be skipped: each costs as much as one that is shown.
const SKIPPED_MAX: u32 = 10_000;

/// Which page of the customers is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerPages {
    number: u32,
    size: u32,
}

impl CustomerPages {
    /// Reads `page`, from 1 on, and `page_size`, 1 to 100.
    ///
    /// # Errors
    /// [`FieldError`] names the first wrong parameter; a page behind the 10,000th customer is one.
    pub fn read(query: &str) -> Result<Self, FieldError> {
        let parameters = Parameters::of(query);
        let number = parameters.number("page", 1..=SKIPPED_MAX + 1)?.unwrap_or(1);
        let size = parameters.number("page_size", 1..=PAGE_SIZE_MAX)?;
        let size = size.unwrap_or(PAGE_SIZE_DEFAULT);
        let pages = Self { number, size };
        if pages.offset() > SKIPPED_MAX {
            let why = "must not begin behind the 10,000th customer";
            return Err(invalid("page", why));
        }
        Ok(pages)
    }

    /// The part of the list that this page is.
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

    /// The address of the page after this one, if there are so many customers.
    pub fn next(self, address: &str, count: u64) -> Option<String> {
        let shown = self.offset() + self.size;
        let is_there = count > u64::from(shown) && shown <= SKIPPED_MAX;
        is_there.then(|| self.address(address, self.number + 1))
    }

    /// The address of the page before this one, if there is one.
    pub fn previous(self, address: &str) -> Option<String> {
        (self.number > 1).then(|| self.address(address, self.number - 1))
    }

    fn address(self, address: &str, number: u32) -> String {
        format!("{address}?page={number}&page_size={}", self.size)
    }
}

/// Which mode's payment to show.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ReadPaymentParameters {
    /// Only if the payment is of test mode, or of live mode.
    pub test: Option<bool>,
}

/// Which page of the customers.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CustomerPagesParameters {
    /// Which page.
    #[schemars(range(min = 1, max = SKIPPED_MAX + 1), extend("default" = 1))]
    pub page: Option<u32>,
    /// How many customers on a page.
    #[schemars(range(min = 1, max = PAGE_SIZE_MAX), extend("default" = PAGE_SIZE_DEFAULT))]
    pub page_size: Option<u32>,
}

/// Which payments, newest first.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct PaymentsParameters {
    /// Only payments of this status; `succeeded` and `completed` are the same.
    #[schemars(regex(pattern = "^(pending|succeeded|completed|failed|canceled)$"))]
    pub status: Option<String>,
    /// Only payments of test mode, or of live mode. A key sees those of its own mode only.
    pub test: Option<bool>,
    /// How many payments to return. The array does not say whether there are more.
    #[schemars(range(min = 1, max = 100), extend("default" = 10))]
    pub limit: Option<u32>,
    /// How many payments to skip. Reach further with `starting_after`.
    #[schemars(range(min = 0, max = 10000), extend("default" = 0))]
    pub offset: Option<u32>,
    /// The id of the last payment you have, in either spelling: the list goes on after it.
    pub starting_after: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn param<T>(read: Result<T, FieldError>) -> Option<String> {
        match read {
            Err(FieldError::Invalid { param, .. }) => Some(param),
            _ => None,
        }
    }

    #[test]
    fn the_documents_query_is_read() -> Result<(), FieldError> {
        let read = ListPayments::read("status=succeeded&test=false")?;
        assert_eq!(read.states, [State::Captured]);
        assert!(!read.may_show(Mode::Test) && read.may_show(Mode::Live));
        let bare = ListPayments::read("")?;
        assert_eq!(
            (bare.states, bare.page.limit, bare.page.offset),
            (vec![], 10, 0)
        );
        assert!(bare.test.may_show(Mode::Test) && bare.test.may_show(Mode::Live));
        let read = ListPayments::read("limit=7&offset=14&test=True")?;
        assert_eq!((read.page.limit, read.page.offset), (7, 14));
        assert!(read.may_show(Mode::Test));
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
            assert_eq!(
                param(ListPayments::read(query)).as_deref(),
                Some(name),
                "{query}"
            );
        }
        assert_eq!(
            param(ReadPayment::read("test=maybe")).as_deref(),
            Some("test")
        );
        for (query, name) in [
            ("page=0", "page"),
            ("page=1002", "page"),
            ("page=10001&page_size=2", "page"),
            ("page_size=101", "page_size"),
        ] {
            assert_eq!(
                param(CustomerPages::read(query)).as_deref(),
                Some(name),
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
