-- The refunds in a range of ids, against their payments, postings, events and jobs. $3: the states of a payment
-- that can be refunded; $4: the states of a refund in progress; $5: the state of one that succeeded. $6: how many
-- seconds events are kept; $7: how many a refund may take.
with c as materialized (
    select r.id, r.payment_id, r.state, r.intent_id, r.created_at, r.updated_at, p.state as payment_state,
           (p.merchant_id, p.live) = (r.merchant_id, r.live) and p.intent_id is not distinct from r.intent_id as is_own,
           l.id is not null as is_posted, e.events
    from refunds r
    left join payments p on p.id = r.payment_id
    left join ledger_postings l on l.cause_id = r.id and l.cause = 'refund'
    cross join lateral (
        select count(*) as events from events where subject_id = r.id and subject = 'refund') e
    where r.id > $1 and r.id <= $2
)
select 'refund_payment' as "rule!", 'refund' as "kind!", id as "id!",
       'a captured payment of the same merchant, mode and intent' as "expected",
       payment_id || coalesce(case when not is_own then ' has another' else ' is ' || payment_state end, ' is missing')
           as "found"
from c where (is_own and payment_state = any($3)) is not true
union all
select 'refund_posting', 'refund', id, case when state = $5 then 'one posting' else 'no posting' end,
       state || case when is_posted then ' with a posting' else ' without posting' end
from c where (state = $5) <> is_posted
union all
-- No surface has an event of an intent's refund.
select 'refund_event', 'refund', id,
       case when intent_id is null and state <> all($4) then 'one event' else 'no event' end,
       state || ' with ' || events || ' events'
from c
where events <> (intent_id is null and state <> all($4))::int
  and (events > 0 or updated_at > now() - make_interval(secs => $6::float8 - 60))
union all
select 'work_has_job', 'refund', id, 'a job of the worker refund', state || ' without job'
from c
where state = any($4)
  and not exists (select from jobs j where j.id = c.id and j.owner_id = c.id and j.worker = 'refund')
union all
select 'work_in_time', 'refund', id, 'final within ' || make_interval(secs => $7), state || ' since ' || created_at
from c where state = any($4) and created_at < now() - make_interval(secs => $7)
