-- Payments, intents and refunds against the events that merchants receive. $1, $2: each final state of a
-- payment and its event; $3: the event of an intent; $4: the states of a refund in progress; $5: the state of
-- an endpoint that receives events; $6: the state of a delivery that an endpoint accepted.
with final as (
    select * from unnest($1::text[], $2::text[]) as f(state, type)
), sent as (
    select p.id, p.state,
           array_agg(e.type) filter (where e.id is not null) as types
    from payments p left join events e on e.subject_id = p.id
    where p.intent_id is null
    group by p.id
), expected as (
    select s.*, (select array[f.type] from final f where f.state = s.state) as expects from sent s
), intent_changes as (
    select i.id,
           (select count(*) from payments p
            where p.intent_id = i.id and p.state = any($1))
               + (i.canceled_at is not null)::int as changes,
           (select count(*) from events e
            where e.subject_id = i.id and e.type = $3) as events
    from intents i
), attempted as (
    select d.id, d.state, d.attempts, count(a.attempt) as recorded,
           count(*) filter (where a.status between 200 and 299) as accepted
    from deliveries d left join delivery_attempts a on a.delivery_id = d.id
    group by d.id
)
select 'a final payment has one event' as "rule!", id::text as "subject!",
       state || ' has ' || coalesce(types::text, 'none') as "detail!"
from expected where types is distinct from expects
union all
select 'every change of an intent has one event', id::text, changes || ' changes, ' || events || ' events'
from intent_changes where changes <> events
union all
select 'an event goes to every subscribed endpoint', e.id::text, w.id::text
from events e
join webhook_endpoints w
  on w.merchant_id = e.merchant_id and w.live = e.live and e.type = any(w.event_types)
 and w.status = $5 and w.updated_at < e.created_at - interval '15 seconds'
where not exists (select from deliveries d where d.event_id = e.id and d.endpoint_id = w.id)
union all
-- No surface has an event of an intent's refund.
select 'a refund''s outcome has an event', r.id::text, r.state || ' has events ' || count(e.id) || ' of them'
from refunds r left join events e on e.subject_id = r.id
group by r.id having (r.intent_id is null and r.state <> all($4))::int <> count(e.id)
union all
select 'every attempt is recorded', id::text, attempts || ' attempts, ' || recorded || ' recorded'
from attempted where attempts <> recorded
union all
select 'delivered means a response of 2xx', id::text, state || ' with ' || accepted || ' accepted'
from attempted where (state = $6) <> (accepted = 1)
