//! Making and changing customers, whatever surface asked for it.

use domain::customer::Customer;
use domain::id::CustomerId;
use domain::job::Job;
use store::accept::{Key, StoredResponse};
use store::customers::{self, Changes, NewCustomer};
use store::merchants::Principal;
use wire::customer::{self, Details};
use wire::page::Page;

use crate::App;
use crate::actions::idempotency::{self, ApiResponse};
use crate::error::ApiError;

/// Makes a customer, or changes the one that has the same address.
pub async fn create(
    app: &App,
    principal: Principal,
    details: &NewCustomer,
    key: Option<Key>,
    render: impl Fn(&Customer) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let id = CustomerId(store::new_id());
    let mut tx = store::begin(&app.db, principal.merchant_id, principal.mode).await?;
    if let Some((_, before)) = idempotency::begin(&mut tx, principal, key.as_ref(), id.0).await? {
        return idempotency::answered(before);
    }
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let (customer, jobs) = customers::upsert(&mut tx, id, merchant, mode, details).await?;
    let answer = render(&customer);
    idempotency::store_response(&mut tx, principal, key.as_ref(), &answer).await?;
    store::commit(tx).await?;
    publish(app, jobs);
    Ok(ApiResponse::new(answer))
}

/// What a client says about a customer it makes.
pub fn new_customer(details: Details) -> NewCustomer {
    NewCustomer {
        email: details.email,
        name: details.name,
        phone: details.phone,
        description: details.description,
        metadata: details.metadata,
    }
}

/// What a client changes of a customer.
pub fn changed(changes: customer::Changes) -> Changes {
    Changes {
        email: changes.email.provided(),
        name: changes.name.provided(),
        phone: changes.phone.provided(),
        description: changes.description.provided(),
        // Nothing is left of what is cleared.
        metadata: changes.metadata.provided().map(Option::unwrap_or_default),
    }
}

/// Changes a customer.
pub async fn update(
    app: &App,
    principal: Principal,
    id: CustomerId,
    changes: &Changes,
) -> Result<Customer, ApiError> {
    let mut tx = store::begin(&app.db, principal.merchant_id, principal.mode).await?;
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let updated = customers::update(&mut tx, merchant, mode, id, changes).await;
    let (customer, jobs) = match updated {
        Err(error) if error.constraint() == Some("customers_email_unique") => {
            return Err(ApiError::EmailTaken);
        }
        updated => updated?.ok_or(ApiError::Missing("customer"))?,
    };
    store::commit(tx).await?;
    publish(app, jobs);
    Ok(customer)
}

/// A customer of the caller's.
pub async fn find(app: &App, principal: Principal, id: CustomerId) -> Result<Customer, ApiError> {
    let customer = customers::get(&app.db, principal.merchant_id, principal.mode, id).await?;
    customer.ok_or(ApiError::Missing("customer"))
}

/// A part of the caller's customers, newest first, and whether there are more.
pub async fn list(
    app: &App,
    principal: Principal,
    page: &Page<CustomerId>,
) -> Result<(Vec<Customer>, bool), ApiError> {
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let (offset, rows) = (page.offset.into(), page.rows());
    let mut found = customers::list(&app.db, merchant, mode, page.after, offset, rows).await?;
    let has_more = page.cut(&mut found);
    Ok((found, has_more))
}

/// Publishes jobs that were just written.
pub fn publish(app: &App, jobs: Vec<Job>) {
    for job in jobs {
        app.publisher.publish(job, None);
    }
}
