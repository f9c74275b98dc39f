//! Making and changing customers, whatever surface asked for it.

use domain::customer::Customer;
use domain::id::{CustomerId, DeliveryId};
use domain::work::{Job, Worker};
use store::accept::{Answer, Key};
use store::customers::{self, Changes, Said};
use store::merchants::Caller;
use store::outbox::FIRST_SEQ;

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
    let (merchant, mode) = (caller.merchant_id, caller.mode);
    let before = once::begin(&mut tx, caller, key.as_ref(), id.0).await?;
    if let Some((_, Some(answer))) = before {
        return Ok(Answered {
            answer,
            is_replay: true,
        });
    }
    // Putting the same things again changes nothing, so a request that died is simply done again.
    let (customer, told) = customers::put(&mut tx, id, merchant, mode, said).await?;
    store::commit(tx).await?;
    ring(app, told);
    let answer = once::keep(app, caller, key.as_ref(), render(&customer)).await?;
    Ok(Answered {
        answer,
        is_replay: before.is_some(),
    })
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
