//! Events that happen to other things than payments, written in the transaction of what happened.

use domain::event::{Event, Subject};
use domain::id::{DeliveryId, MerchantId};
use domain::merchant::Mode;
use serde_json::json;
use uuid::Uuid;

use crate::{Result, Tx};

/// Writes an event, and a delivery of it to each endpoint that asked for its kind. Returns the
/// deliveries, to be rung after the commit.
///
/// # Errors
/// If the database cannot.
pub async fn record(
    tx: &mut Tx,
    merchant: MerchantId,
    mode: Mode,
    event: &Event,
) -> Result<Vec<DeliveryId>> {
    let (payment, refund, customer, intent) = about(&event.subject);
    let rows = sqlx::query_scalar!(
        "with told as (
             insert into events (id, merchant_id, live, kind, payment_id, refund_id, customer_id,
                                 intent_id, notice)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             returning id
         ), sent as (
             insert into deliveries (id, event_id, endpoint_id, state)
             select gen_random_uuid(), t.id, w.id, 'delivering'
             from told t
             join webhook_endpoints w
               on w.merchant_id = $2 and w.live = $3 and w.status = 'active' and $4 = any(w.kinds)
             returning id
         ), due as (
             insert into jobs (worker, id, due_at)
             select 'webhook', id, now() + interval '2 seconds' from sent
         )
         select id from sent",
        crate::new_id(),
        merchant.0,
        mode.is_live(),
        event.event_type.name(),
        payment,
        refund,
        customer,
        intent,
        json!(event),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(DeliveryId).collect())
}

type About = (Option<Uuid>, Option<Uuid>, Option<Uuid>, Option<Uuid>);

/// Which column names the subject: payment, refund, customer, intent.
fn about(subject: &Subject) -> About {
    match subject {
        Subject::Payment(payment) => (Some(payment.id.0), None, None, None),
        Subject::Refund(refund) => (None, Some(refund.id.0), None, None),
        Subject::Customer(customer) => (None, None, Some(customer.id.0), None),
        Subject::Intent { now, .. } => (None, None, None, Some(now.id.0)),
    }
}
