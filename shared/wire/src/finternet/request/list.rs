//! List parameters.

use domain::id::{IntentId, PostingId, RefundId};
use domain::ledger;
use schemars::JsonSchema;
use serde::Deserialize;
use time::OffsetDateTime;

use crate::finternet::error::Error;
use crate::finternet::{MOVEMENTS, transaction_type};
use crate::limits;
use crate::page::Page;
use crate::query::Parameters;

/// Reads the query of `GET /v1/payment-intents`: the requested page.
pub fn intents(query: &str) -> Result<Page<IntentId>, Error> {
    Ok(Page::read(&Parameters::of(query), IntentId::parse)?)
}

/// Reads the query of `GET /v1/payment-intents/{id}/refunds`: the requested page.
pub fn refunds(query: &str) -> Result<Page<RefundId>, Error> {
    Ok(Page::read(&Parameters::of(query), RefundId::parse)?)
}

/// Parameters for listing the refunds of a payment intent, newest first.
#[derive(Deserialize, JsonSchema)]
pub struct RefundsParameters {
    /// Maximum number of objects to return.
    #[schemars(range(min = 1, max = limits::LIST_MAX), extend("default" = limits::LIST_DEFAULT))]
    pub limit: Option<u32>,
    /// Cursor for pagination: the id of the last refund on the previous page.
    pub starting_after: Option<String>,
}

/// Parameters for listing payment intents, newest first.
#[derive(Deserialize, JsonSchema)]
pub struct IntentsParameters {
    /// Maximum number of objects to return.
    #[schemars(range(min = 1, max = limits::LIST_MAX), extend("default" = limits::LIST_DEFAULT))]
    pub limit: Option<u32>,
    /// Cursor for pagination: the id of the last payment intent on the previous page.
    pub starting_after: Option<String>,
}

/// Parameters for listing ledger entries, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerEntries {
    /// The requested page.
    pub page: Page<PostingId>,
    /// Only entries of this kind.
    pub kind: Option<ledger::Kind>,
    /// Only entries of this intent.
    pub intent_id: Option<IntentId>,
    /// Only entries posted at or after this time.
    pub from: Option<OffsetDateTime>,
    /// Only entries posted before this time.
    pub to: Option<OffsetDateTime>,
}

impl LedgerEntries {
    /// Reads the query of `GET /v1/payment-intents/account/ledger-entries`.
    pub fn read(query: &str) -> Result<Self, Error> {
        let parameters = Parameters::of(query);
        let page = Page::read(&parameters, PostingId::parse)?;
        let types = MOVEMENTS.map(transaction_type).join(", ");
        let why = format!("must be one of {types}");
        let kind = parameters.parsed("transactionType", &why, |word| {
            let mut kinds = MOVEMENTS.into_iter();
            kinds.find(|kind| transaction_type(*kind) == word)
        })?;
        let why = "must be the id of a payment intent";
        let intent_id = parameters.parsed("paymentIntentId", why, IntentId::parse)?;
        let (from, to) = parameters.days(["fromDate", "toDate"])?;
        Ok(Self {
            page,
            kind,
            intent_id,
            from,
            to,
        })
    }
}

/// Parameters for listing the ledger entries of your account, newest first.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntriesParameters {
    /// Maximum number of objects to return.
    #[schemars(range(min = 1, max = limits::LIST_MAX), extend("default" = limits::LIST_DEFAULT))]
    pub limit: Option<u32>,
    /// Number of objects to skip.
    #[schemars(range(min = 0, max = limits::OFFSET_MAX), extend("default" = 0))]
    pub offset: Option<u32>,
    /// Only entries of this type.
    #[schemars(extend("enum" = MOVEMENTS.map(transaction_type)))]
    pub transaction_type: Option<String>,
    /// Only entries of this payment intent.
    pub payment_intent_id: Option<String>,
    /// Only entries posted on this day (UTC) or later, `YYYY-MM-DD`.
    #[schemars(extend("format" = "date"))]
    pub from_date: Option<String>,
    /// Only entries posted on this day (UTC) or earlier, `YYYY-MM-DD`.
    #[schemars(extend("format" = "date"))]
    pub to_date: Option<String>,
    /// Cursor for pagination: the id of the last entry on the previous page.
    #[serde(rename = "starting_after")]
    pub starting_after: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const ID: &str = "intent_0351FsBhSOBpYQOKPhbU9H";

    #[test]
    fn the_documents_parameters_are_read() -> Result<(), Error> {
        let page = intents(&format!("limit=10&starting_after={ID}"))?;
        assert_eq!((page.limit, page.after), (10, IntentId::parse(ID)));
        assert_eq!(intents("")?.limit, 10);
        let query = format!("limit=5&offset=20&transactionType=CREDIT&paymentIntentId={ID}");
        let read = LedgerEntries::read(&query)?;
        assert_eq!((read.page.limit, read.page.offset), (5, 20));
        assert_eq!(read.kind, Some(ledger::Kind::Capture));
        assert_eq!(read.intent_id, IntentId::parse(ID));
        let days = LedgerEntries::read("fromDate=2025-12-01&toDate=2025-12-01")?;
        let day = (
            Some(datetime!(2025-12-01 0:00 UTC)),
            Some(datetime!(2025-12-02 0:00 UTC)),
        );
        assert_eq!((days.from, days.to), day);
        let all = LedgerEntries::read("")?;
        assert_eq!((all.kind, all.intent_id), (None, None));
        Ok(())
    }

    #[test]
    fn each_wrong_parameter_is_named() {
        for (query, param) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=ten", "limit"),
            ("starting_after=intent_123", "starting_after"),
            ("starting_after=", "starting_after"),
        ] {
            let error = intents(query).err();
            let found = error.map(|error| (error.code, error.param));
            assert_eq!(found, Some(("invalid_request", Some(param.to_owned()))));
        }
        for (query, param) in [
            ("limit=0", "limit"),
            ("offset=-1", "offset"),
            ("transactionType=FEE", "transactionType"),
            ("transactionType=credit", "transactionType"),
            ("transactionType=RESERVE", "transactionType"),
            ("paymentIntentId=pay_1", "paymentIntentId"),
            ("paymentIntentId=", "paymentIntentId"),
            ("fromDate=1764547200", "fromDate"),
            ("fromDate=2025-12-02&toDate=2025-12-01", "toDate"),
            (
                "starting_after=intent_0351FsBhSOBpYQOKPhbU9H",
                "starting_after",
            ),
        ] {
            let param = Some(param.to_owned());
            let found = LedgerEntries::read(query).err().map(|error| error.param);
            assert_eq!(found, Some(param), "{query}");
        }
    }

    proptest! {
        #[test]
        fn no_query_breaks_the_readers(query in "((limit|offset|starting_after|transactionType|paymentIntentId)=\\PC{0,12}&?){0,4}") {
            for error in [intents(&query).err(), LedgerEntries::read(&query).err()] {
                let is_named = error.is_none_or(|error| error.status == 400 && error.param.is_some());
                prop_assert!(is_named);
            }
        }
    }
}
