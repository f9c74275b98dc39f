//! Creates, updates and reads customers, for all surfaces.

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

/// Creates a customer, or updates the one with the same email address.
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
        return idempotency::replayed(before);
    }
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let (customer, jobs) = customers::upsert(&mut tx, id, merchant, mode, details).await?;
    let response = render(&customer);
    idempotency::store_response(&mut tx, principal, key.as_ref(), &response).await?;
    store::commit(tx).await?;
    publish(app, jobs);
    Ok(ApiResponse::new(response))
}

/// Converts the details in a create request.
pub fn new_customer(details: Details) -> NewCustomer {
    NewCustomer {
        email: details.email,
        name: details.name,
        phone: details.phone,
        description: details.description,
        metadata: details.metadata,
    }
}

/// Converts the changes in an update request.
pub fn changed(changes: customer::Changes) -> Changes {
    Changes {
        email: changes.email.provided(),
        name: changes.name.provided(),
        phone: changes.phone.provided(),
        description: changes.description.provided(),
        // Metadata is never null; clearing it stores an empty object.
        metadata: changes.metadata.provided().map(Option::unwrap_or_default),
    }
}

/// Updates the merchant's customer with this id.
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

/// Returns the merchant's customer with this id.
pub async fn find(app: &App, principal: Principal, id: CustomerId) -> Result<Customer, ApiError> {
    let customer = customers::get(&app.db, principal.merchant_id, principal.mode, id).await?;
    customer.ok_or(ApiError::Missing("customer"))
}

/// Returns a page of the merchant's customers, newest first, and whether there are more.
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

/// Publishes jobs after their transaction has committed, without requesting a reply.
pub fn publish(app: &App, jobs: Vec<Job>) {
    for job in jobs {
        app.publisher.publish(job, None);
    }
}
