//! Making and changing customers, whatever surface asked for it.

use domain::customer::Customer;
use domain::id::{CustomerId, DeliveryId};
use domain::work::{Job, Worker};
use store::accept::{Answer, Key};
use store::customers::{self, Changes, Said};
use store::merchants::Caller;
use store::outbox::FIRST_SEQ;
use wire::customer::{self, Details};
use wire::page::Page;

use crate::App;
use crate::once::{self, Answered};
use crate::refused::Refused;

/// Makes a customer, or changes the one that has the same address.
pub async fn create(
    app: &App,
    caller: Caller,
    said: &Said,
    key: Option<Key>,
    render: impl Fn(&Customer) -> Answer + Send + Sync,
) -> Result<Answered, Refused> {
    let id = CustomerId(store::fresh_id());
    let mut tx = store::begin(&app.db, caller.merchant_id, caller.mode).await?;
    if let Some((_, before)) = once::begin(&mut tx, caller, key.as_ref(), id.0).await? {
        return once::answered(before);
    }
    let (merchant, mode) = (caller.merchant_id, caller.mode);
    let (customer, told) = customers::put(&mut tx, id, merchant, mode, said).await?;
    let answer = render(&customer);
    once::keep_in(&mut tx, caller, key.as_ref(), &answer).await?;
    store::commit(tx).await?;
    ring(app, told);
    Ok(Answered::anew(answer))
}

/// What a client says about a customer it makes.
pub fn said(details: Details) -> Said {
    Said {
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
        email: changes.email.given(),
        name: changes.name.given(),
        phone: changes.phone.given(),
        description: changes.description.given(),
        // Nothing is left of what is cleared.
        metadata: changes.metadata.given().map(Option::unwrap_or_default),
    }
}

/// Changes a customer.
pub async fn update(
    app: &App,
    caller: Caller,
    id: CustomerId,
    changes: &Changes,
) -> Result<Customer, Refused> {
    let mut tx = store::begin(&app.db, caller.merchant_id, caller.mode).await?;
    let (merchant, mode) = (caller.merchant_id, caller.mode);
    let updated = customers::update(&mut tx, merchant, mode, id, changes).await;
    let (customer, told) = match updated {
        Err(error) if error.constraint() == Some("customers_email_unique") => {
            return Err(Refused::EmailTaken);
        }
        updated => updated?.ok_or(Refused::Missing("customer"))?,
    };
    store::commit(tx).await?;
    ring(app, told);
    Ok(customer)
}

/// A customer of the caller's.
pub async fn find(app: &App, caller: Caller, id: CustomerId) -> Result<Customer, Refused> {
    let customer = customers::get(&app.db, caller.merchant_id, caller.mode, id).await?;
    customer.ok_or(Refused::Missing("customer"))
}

/// A part of the caller's customers, newest first, and whether there are more.
pub async fn list(
    app: &App,
    caller: Caller,
    page: &Page<CustomerId>,
) -> Result<(Vec<Customer>, bool), Refused> {
    let (merchant, mode) = (caller.merchant_id, caller.mode);
    let (offset, rows) = (page.offset.into(), page.rows());
    let mut found = customers::list(&app.db, merchant, mode, page.after, offset, rows).await?;
    let has_more = page.cut(&mut found);
    Ok((found, has_more))
}

/// Rings for deliveries that were just written.
pub fn ring(app: &App, deliveries: Vec<DeliveryId>) {
    for delivery in deliveries {
        let job = Job {
            worker: Worker::Webhook,
            id: delivery.0,
            seq: FIRST_SEQ,
        };
        app.bell.ring(job, None);
    }
}
