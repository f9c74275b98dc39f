//! Creates, updates and reads customers, for all surfaces.

use domain::customer::Customer;
use domain::id::{CustomerId, MerchantId};
use domain::job::Job;
use store::accept::{Key, StoredResponse};
use store::customers::{self, Changes, NewCustomer, Upsert, Upserted};
use store::merchants::Principal;
use store::page::Size;
use wire::customer::{self, Details};
use wire::page::Page;

use crate::App;
use crate::actions::cursor;
use crate::actions::idempotency::{self, ApiResponse};
use crate::error::ApiError;

/// Creates a customer, or updates the one with the same email address.
pub async fn create(
    app: &App,
    principal: Principal,
    details: NewCustomer,
    key: Option<Key>,
    render: impl Fn(&Customer) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let key = key.as_ref();
    let creating = create_first(app, principal, details, key, render);
    idempotency::coalesce(app, principal, key, creating).await
}

async fn create_first(
    app: &App,
    principal: Principal,
    details: NewCustomer,
    key: Option<&Key>,
    render: impl Fn(&Customer) -> StoredResponse + Send + Sync,
) -> Result<ApiResponse, ApiError> {
    let (customer, is_replay) = match upsert(app, principal, details, key).await? {
        Upserted::Stored(customer, jobs) => {
            publish(app, principal.merchant_id, jobs);
            (*customer, false)
        }
        Upserted::Existing(existing) => match idempotency::earlier(key, existing)? {
            (_, Some(response)) => return Ok(ApiResponse::replay(response)),
            (id, None) => (find(app, principal, CustomerId(id)).await?, true),
        },
    };
    let response = idempotency::store_first(app, principal, key, render(&customer)).await?;
    Ok(ApiResponse {
        response,
        is_replay,
    })
}

/// Stores the customer. Tries twice: the first try fails if the idempotency key is older than 24
/// hours and must be deleted first.
async fn upsert(
    app: &App,
    principal: Principal,
    details: NewCustomer,
    key: Option<&Key>,
) -> Result<Upserted, ApiError> {
    let row = Upsert {
        id: CustomerId(store::new_id()),
        event_id: store::new_id(),
        merchant_id: principal.merchant_id,
        mode: principal.mode,
        details,
        idempotency: key.cloned(),
    };
    for _ in 0..2 {
        match app.customers.run(row.clone()).await? {
            Upserted::Existing(existing) if existing.stale => {
                idempotency::delete_expired(app, principal, key).await?;
            }
            upserted => return Ok(upserted),
        }
    }
    Err(ApiError::Unavailable)
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
    publish(app, principal.merchant_id, jobs);
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
    size: Size,
) -> Result<(Vec<Customer>, bool), ApiError> {
    if let Some(after) = page.after {
        cursor::object(find(app, principal, after).await)?;
    }
    let (merchant, mode) = (principal.merchant_id, principal.mode);
    let offset = page.offset.into();
    Ok(customers::list(&app.db, merchant, mode, page.after, offset, size).await?)
}

/// Publishes jobs after their transaction has committed, without requesting a reply.
pub fn publish(app: &App, merchant: MerchantId, jobs: Vec<Job>) {
    for job in jobs {
        app.publisher.publish(job, merchant, None);
    }
}
