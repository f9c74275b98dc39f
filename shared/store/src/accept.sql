-- Accepts payments: each with its customer, sealed card, idempotency key, first line of history and
-- job, or nothing of it. A key's row is written only for a payment that is written too. Rows are
-- taken in the order of merchant and key, or two processes' batches could wait for each other.
with input as (
    select * from unnest(
        $1::uuid[], $2::uuid[], $3::boolean[], $4::text[], $5::numeric[], $6::text[],
        $7::smallint[], $8::text[], $9::jsonb[], $10::uuid[], $11::text[], $12::text[],
        $13::text[], $14::text[], $15::text[], $16::smallint[], $17::smallint[], $18::uuid[],
        $19::bytea[], $20::text[], $21::bytea[], $22::uuid[], $23::jsonb[], $24::uuid[]
    ) with ordinality as i(
        payment_id, merchant_id, live, state, amount, currency, exponent, description,
        metadata, customer_id, customer_email, customer_name, customer_phone, brand, last4,
        exp_month, exp_year, key_id, sealed, idem_key, idem_fingerprint, intent_id, checkout,
        customer_event_id, ord)
), existing as (
    select i.ord, k.subject_id, k.fingerprint, k.status, k.body,
           k.created_at < now() - interval '24 hours' as stale
    from input i
    join idempotency_keys k
      on k.merchant_id = i.merchant_id and k.live = i.live and k.key = i.idem_key
), already as (
    select i.ord, p.created_at, p.customer_id
    from input i join payments p on p.id = i.payment_id
), candidate as (
    select * from input
    where ord not in (select ord from existing) and ord not in (select ord from already)
), new_customer as (
    insert into customers (id, merchant_id, live, email, name, phone)
    select distinct on (merchant_id, live, lower(customer_email), case when customer_email is null then customer_id end)
           customer_id, merchant_id, live, customer_email, customer_name, customer_phone
    from candidate where customer_id is not null
    order by merchant_id, live, lower(customer_email), case when customer_email is null then customer_id end
    on conflict do nothing
    returning id, merchant_id, live, lower(email) as email, created_at
), customer_event as (
    insert into events (id, merchant_id, live, kind, customer_id, notice)
    select distinct on (c.id) i.customer_event_id, c.merchant_id, c.live, 'customer.created', c.id,
           jsonb_build_object('kind', 'customer.created', 'customer', jsonb_build_object(
               'id', c.id, 'merchant_id', c.merchant_id,
               'mode', case when c.live then 'live' else 'test' end, 'email', i.customer_email,
               'name', i.customer_name, 'phone', i.customer_phone, 'description', null, 'metadata', '{}'::jsonb,
               'created_at', floor(extract(epoch from c.created_at))::bigint,
               'updated_at', floor(extract(epoch from c.created_at))::bigint))
    from new_customer c join candidate i on i.customer_id = c.id
    returning id, merchant_id, live
), customer_told as (
    insert into deliveries (id, event_id, endpoint_id, state)
    select gen_random_uuid(), e.id, w.id, 'delivering'
    from customer_event e
    join webhook_endpoints w
      on w.merchant_id = e.merchant_id and w.live = e.live and w.status = 'active'
     and 'customer.created' = any(w.kinds)
    returning id
), customer_due as (
    insert into jobs (worker, id, due_at)
    select 'webhook', id, now() from customer_told
), customer as (
    select id, merchant_id, live, email from new_customer
    union all
    select c.id, c.merchant_id, c.live, lower(c.email)
    from (select distinct merchant_id, live, lower(customer_email) as email from candidate) i
    join customers c
      on c.merchant_id = i.merchant_id and c.live = i.live and lower(c.email) = i.email
), payable as (
    -- A customer that another transaction is just making is seen by the next run of this row.
    select i.*, c.id as payer
    from candidate i
    left join customer c
      on c.merchant_id = i.merchant_id and c.live = i.live
     and (c.email = lower(i.customer_email) or c.id = i.customer_id)
    where i.customer_id is null or c.id is not null
), keyed as (
    insert into idempotency_keys (merchant_id, live, key, fingerprint, subject_id)
    select merchant_id, live, idem_key, idem_fingerprint, payment_id
    from payable where idem_key is not null
    order by merchant_id, live, idem_key
    on conflict do nothing
    returning subject_id
), won as (
    select *, case when state = 'created' then now() + interval '24 hours' end as expires_at
    from payable
    where idem_key is null or payment_id in (select subject_id from keyed)
), made as (
    insert into payments (
        id, merchant_id, live, state, amount, currency, exponent, method, description, metadata,
        customer_id, card_brand, card_last4, card_exp_month, card_exp_year, expires_at, intent_id,
        checkout)
    select payment_id, merchant_id, live, state, amount, currency, exponent, 'card', description,
           metadata, payer, brand, last4, exp_month, exp_year, expires_at, intent_id, checkout
    from won
), kept as (
    insert into sealed_cards (payment_id, key_id, sealed)
    select payment_id, key_id, sealed from won where sealed is not null
), history as (
    insert into payment_history (payment_id, version, event, state)
    select payment_id, 0, 'created', state from won
), job as (
    insert into jobs (worker, id, due_at)
    select 'card', payment_id, coalesce(expires_at, now() + interval '2 seconds') from won
)
select ord as "ord!", now() as created_at, payer as customer_id, null::uuid as existing,
       null::bytea as fingerprint, null::smallint as status, null::text as body,
       null::boolean as stale
from won
union all
select ord, created_at, customer_id, null, null, null, null, null from already
union all
select ord, null, null, subject_id, fingerprint, status, body, stale from existing
where ord not in (select ord from already)
