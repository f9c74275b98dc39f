//! Reading refunds. `payments` creates them.

use domain::id::RefundId;
use wire::Body;
use wire::fourgeeks::error::Unauthorized;
use wire::page::{Page, PageParameters};
use wire::paygate::response;
use wire::query::Parameters;

use crate::actions::refunds;
use crate::error::ApiError;
use crate::openapi::operation::{Docs, docs};
use crate::openapi::schemas;
use crate::surfaces::handler::{Auth, Handled, Id, Query, Reply};

const GROUP: &str = "Refunds";

pub const READ: Docs =
    docs(GROUP, "getRefund", "Read a refund").shared(schemas::response::<Unauthorized>);

pub async fn read(Auth(app, principal): Auth, Id(id): Id) -> Handled<response::Refund<'static>> {
    let id = RefundId::parse(&id).ok_or(ApiError::Missing("refund"))?;
    let refund = refunds::find(&app, principal, id).await?;
    Ok(Reply::of(response::Refund::of(&refund).body()))
}

pub const LIST: Docs = docs(GROUP, "listRefunds", "List refunds")
    .description("Refunds of all payments, newest first.")
    .shared(schemas::response::<Unauthorized>);

pub async fn list(
    Auth(app, principal): Auth,
    query: Query<PageParameters>,
) -> Handled<response::List<response::Refund<'static>>> {
    let page = Page::read(&Parameters::of(&query.0), RefundId::parse)?;
    let (found, has_more) = refunds::list(&app, principal, &page).await?;
    let data = found.iter().map(response::Refund::of).collect();
    Ok(Reply::of(response::List::of(&page, data, has_more).body()))
}
