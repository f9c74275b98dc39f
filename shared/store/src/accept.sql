-- Accepts payments: each with its customer, sealed card, idempotency key, history and job, or nothing
-- of it. A key's row is written only for a payment that is written too. Rows are taken in the order of
-- merchant and key, or the batches of two processes could wait for each other. Customers and keys are
-- stored by functions: a run without them does not pay for the preparation of their statements.
with input as (
    select * from jsonb_to_recordset($1) as i(
        ord integer, payment_id uuid, merchant_id uuid, live boolean, state text, amount numeric,
        currency text, exponent smallint, method text, description text, metadata jsonb,
        customer_id uuid, customer_email text, customer_name text, customer_phone text, brand text,
        last4 text, exp_month smallint, exp_year smallint, key_id uuid, sealed text, idem_key text,
        idem_fingerprint text, intent_id uuid, checkout jsonb, expires_in float8, effects jsonb,
        customer_effects jsonb)
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
), payer as materialized (
    select * from accept_customers($1, (select array_agg(ord) from candidate where customer_id is not null))
), payable as (
    -- A customer that another transaction is creating is seen by the next run of this row.
    select i.*, p.id as payer, coalesce(p.is_new, false) as is_new
    from candidate i left join payer p on p.ord = i.ord
    where i.customer_id is null or p.id is not null
), keyed as materialized (
    select * from accept_keys($1, (select array_agg(ord) from payable where idem_key is not null)) k(ord)
), accepted as (
    select * from payable where idem_key is null or ord in (select ord from keyed)
), stored as (
    insert into payments (
        id, merchant_id, live, state, amount, currency, exponent, method, description, metadata,
        customer_id, card_brand, card_last4, card_exp_month, card_exp_year, expires_at, intent_id,
        checkout, idempotency_key)
    select payment_id, merchant_id, live, state, amount, currency, exponent, method, description,
           metadata, payer, brand, last4, exp_month, exp_year, now() + make_interval(secs => expires_in),
           intent_id, checkout, idem_key
    from accepted
    returning id
), sealed as (
    insert into sealed_cards (payment_id, key_id, sealed)
    select payment_id, key_id, decode(sealed, 'hex') from accepted where sealed is not null
), effects as (
    select * from record_effects((
        select jsonb_agg(e.effects) from (
            select a.effects from accepted a join stored s on s.id = a.payment_id
            union all
            select customer_effects from payable where is_new) e))
)
select ord, now() as created_at, payer as customer_id, null::uuid as existing,
       null::bytea as fingerprint, null::smallint as status, null::text as body,
       null::boolean as stale, null::uuid as event_id, null::uuid as delivery_id
from accepted
union all
select ord, created_at, customer_id, null, null, null, null, null, null, null from already
union all
select ord, null, null, subject_id, fingerprint, status, body, stale, null, null from existing
where ord not in (select ord from already)
union all
select null, null, null, null, null, null, null, null, event_id, delivery_id from effects
