//! Rows of several merchants in every table.

use anyhow::Result;
use sqlx::PgConnection;
use tests::Gateway;
use uuid::Uuid;

/// One row of everything for a merchant and mode, two where one alone would not balance.
const ONE_OF_EACH: &str = "
    with c as (insert into customers (id, merchant_id, live) values (gen_random_uuid(), $1, $2)
               returning id),
    i as (insert into intents (id, merchant_id, live, amount, currency, exponent, kind,
                               settlement_method, delivery_period_seconds, auto_release)
          values (gen_random_uuid(), $1, $2, 1, 'USD', 2, 'conditional', 'off_ramp_mock', 1, false)
          returning id),
    p as (insert into payments (id, merchant_id, live, state, amount, currency, exponent, method,
                                customer_id)
          select gen_random_uuid(), $1, $2, 'captured', 1, 'USD', 2, 'card', id from c
          returning id),
    h as (insert into payment_history (payment_id, version, event, state)
          select id, 0, 'created', 'captured' from p),
    k as (insert into idempotency_keys (merchant_id, live, key, fingerprint, subject_id)
          values ($1, $2, gen_random_uuid()::text, '', gen_random_uuid())),
    s as (insert into sealed_cards (payment_id, key_id, sealed)
          select p.id, k.id, '' from p, (select id from sealing_keys limit 1) k),
    a as (insert into authorizations (id, payment_id, attempt, state, acquirer)
          select gen_random_uuid(), id, 1, 'approved', 'sandbox' from p),
    r as (insert into refunds (id, payment_id, merchant_id, live, state, amount)
          select gen_random_uuid(), id, $1, $2, 'refunding', 1 from p),
    l as (insert into ledger_postings (id, cause, cause_id, kind, merchant_id, live, currency)
          select gen_random_uuid(), 'payment', id, 'capture', $1, $2, 'USD' from p returning id),
    le as (insert into ledger_entries (posting_id, account, merchant_id, live, amount)
           select l.id, e.account, $1, $2, e.amount
           from l, (values ('acquirer_receivable', 1), ('merchant_balance', -1)) e(account, amount)),
    w as (insert into webhook_endpoints (id, merchant_id, live, surface, url, events)
          values (gen_random_uuid(), $1, $2, 'paygate', 'https://shop.example', '{*}')
          returning id),
    e as (insert into events (id, merchant_id, live, type, subject, subject_id, data, data_version)
          select gen_random_uuid(), $1, $2, 'customer.created', 'customer', id, '{}', 1 from c returning id),
    d as (insert into deliveries (id, event_id, endpoint_id, state)
          select gen_random_uuid(), e.id, w.id, 'delivering' from e, w returning id, endpoint_id),
    t as (insert into delivery_attempts (delivery_id, attempt, duration_ms, endpoint_id)
          select id, 1, 1, endpoint_id from d)
    insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
    select 'webhook', id, id, $1, $2, now() from d";

/// The owners of rows, each with a different number of rows, so that counts show whose were seen.
pub fn owners(gateway: &Gateway) -> [(Uuid, bool, i64); 3] {
    let (one, other) = (&gateway.merchant, &gateway.other_merchant);
    [
        (one.merchant_id.0, false, 1),
        (other.merchant_id.0, false, 2),
        (one.merchant_id.0, true, 4),
    ]
}

/// Makes the rows of each owner.
pub async fn fill(db: &mut PgConnection, owners: &[(Uuid, bool, i64)]) -> Result<()> {
    for (merchant, live, times) in owners {
        for _ in 0..*times {
            let one = sqlx::query(ONE_OF_EACH).bind(merchant).bind(live);
            one.execute(&mut *db).await?;
        }
    }
    Ok(())
}
