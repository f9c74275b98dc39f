-- The events in a range of ids, against what they are about and the endpoints that receive them. $3: every event;
-- $4: the version of the snapshots; $5: the state of an endpoint that receives events; $6: how many seconds
-- deliveries are kept. The snapshot of a payment, refund or intent is the object's present row: it was taken
-- when the object became final, and what it shows never changes.
with c as materialized (
    select e.id, e.subject, e.subject_id, e.type, e.data, e.data_version, e.created_at, e.merchant_id, e.live,
           (e.merchant_id, e.live) = (coalesce(p.merchant_id, r.merchant_id, i.merchant_id, cu.merchant_id, w.merchant_id),
                                      coalesce(p.live, r.live, i.live, cu.live, w.live)) as is_own,
           case e.subject
               when 'payment' then jsonb_build_object(
                   'state', p.state, 'failure', p.failure, 'method', p.method, 'description', p.description,
                   'metadata', p.metadata, 'created_at', floor(extract(epoch from p.created_at)),
                   'money', jsonb_build_object('amount', round(p.amount, p.exponent::integer)::text,
                                               'currency', p.currency),
                   'card', case when p.card_last4 is not null then jsonb_build_object(
                       'brand', p.card_brand, 'last4', p.card_last4, 'exp_month', p.card_exp_month,
                       'exp_year', p.card_exp_year) end,
                   'customer', case when p.customer_id is not null then jsonb_build_object('id', p.customer_id) end)
               when 'refund' then jsonb_build_object(
                   'payment_id', r.payment_id, 'state', r.state, 'reason', r.reason,
                   'created_at', floor(extract(epoch from r.created_at)),
                   'money', jsonb_build_object('amount', round(r.amount, rp.exponent::integer)::text,
                                               'currency', rp.currency))
               when 'intent' then jsonb_build_object(
                   'kind', i.kind, 'settlement_method', i.settlement_method, 'description', i.description,
                   'settlement_destination', i.settlement_destination, 'metadata', i.metadata,
                   'created_at', floor(extract(epoch from i.created_at)),
                   'money', jsonb_build_object('amount', round(i.amount, i.exponent::integer)::text,
                                               'currency', i.currency),
                   'paid', (select jsonb_build_object('payment_id', ip.id, 'state', ip.state, 'failure', ip.failure)
                            from payments ip
                            where ip.intent_id = i.id and ip.id::text = e.data #>> '{paid,payment_id}'))
               else '{}'
           end as shows
    from events e
    left join payments p on e.subject = 'payment' and p.id = e.subject_id
    left join refunds r on e.subject = 'refund' and r.id = e.subject_id
    left join payments rp on rp.id = r.payment_id
    left join intents i on e.subject = 'intent' and i.id = e.subject_id
    left join customers cu on e.subject = 'customer' and cu.id = e.subject_id
    left join webhook_endpoints w on e.subject = 'endpoint' and w.id = e.subject_id
    where e.id > $1 and e.id <= $2
)
select 'event_subject' as "rule!", 'event' as "kind!", id as "id!",
       'about a ' || split_part(type, '.', 1) || ' of its merchant and mode' as "expected",
       type || ' about ' || subject || ' ' || subject_id
           || case when is_own is null then ', which is missing' when not is_own then ' of another' else '' end as "found"
from c where (is_own and type = any($3) and subject = replace(split_part(type, '.', 1), 'webhook_endpoint', 'endpoint')) is not true
union all
select 'event_snapshot', 'event', c.id, 'version ' || $4::smallint || ' with ' || w.expected, 'version ' || c.data_version || ' with ' || w.found
from c
cross join lateral (
    select coalesce(string_agg(s.key || ' ' || s.value, ', ' order by s.key), 'its fields') as expected,
           coalesce(string_agg(s.key || ' ' || coalesce(c.data -> s.key, 'null'), ', ' order by s.key), 'them') as found
    from jsonb_each(c.shows) s where (c.data -> s.key @> s.value) is not true) w
where is_own and ((c.data @> c.shows) is not true or c.data_version <> $4::smallint
                  or (c.shows ? 'metadata' and c.data -> 'metadata' <> c.shows -> 'metadata'))
union all
select 'event_delivery', 'event', c.id, 'a delivery to endpoint ' || w.id, 'none'
from c
join webhook_endpoints w
  on w.merchant_id = c.merchant_id and w.live = c.live and c.type = any(w.event_types)
 and w.status = $5 and w.updated_at < c.created_at - interval '15 seconds'
where c.created_at > now() - make_interval(secs => $6::float8 - 60)
  and not exists (select from deliveries d where d.event_id = c.id and d.endpoint_id = w.id)
