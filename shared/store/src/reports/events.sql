-- Payments against the events that merchants receive.
with sent as (
    select p.id, p.state, p.merchant_id, p.live, p.intent_id,
           array_agg(e.type) filter (where e.id is not null) as kinds
    from payments p left join events e on e.subject_id = p.id
    group by p.id
), expected as (
    select *, case when intent_id is not null and state in ('captured', 'failed', 'expired')
                        then '{intent.status_changed}'::text[]
                   when state = 'captured' then '{payment.succeeded}'
                   when state in ('failed', 'expired') then '{payment.failed}' end as expects
    from sent
), tries as (
    select d.id, d.state, d.attempts, count(a.attempt) as recorded,
           count(*) filter (where a.status between 200 and 299) as accepted
    from deliveries d left join delivery_attempts a on a.delivery_id = d.id
    group by d.id
)
select 'every end has one event' as "rule!", id::text as "subject!",
       state || ' has events ' || coalesce(kinds::text, 'nothing') as "detail!"
from expected where kinds is distinct from expects
union all
select 'an event goes to every endpoint that asked', e.id::text, w.id::text
from events e
join webhook_endpoints w
  on w.merchant_id = e.merchant_id and w.live = e.live and e.type = any(w.event_types)
 and w.status = 'active' and w.updated_at < e.created_at - interval '15 seconds'
where not exists (select from deliveries d where d.event_id = e.id and d.endpoint_id = w.id)
union all
select 'a refund''s outcome has an event', r.id::text, r.state || ' has events ' || count(e.id) || ' of them'
from refunds r left join events e on e.subject_id = r.id
group by r.id having (r.state <> 'refunding')::int <> count(e.id)
union all
select 'every try is recorded', id::text, attempts || ' tries, ' || recorded || ' recorded'
from tries where attempts <> recorded
union all
select 'delivered means answered 2xx', id::text, state || ' with ' || accepted || ' accepted'
from tries where (state = 'delivered') <> (accepted = 1)
