-- The jobs in a range of ids, against what their workers have to do. $3: the states of payments that have a job;
-- $4: of attempts, $5: of refunds in progress; $6: of a delivery in progress.
with c as materialized (
    select j.id, j.worker, j.owner_id, j.error, greatest(j.due_at, j.leased_until) as due, j.parked_at,
           coalesce(p.state, r.state, d.state) as state,
           (j.merchant_id, j.live) = (coalesce(p.merchant_id, r.merchant_id, w.merchant_id),
                                      coalesce(p.live, r.live, w.live)) as is_own,
           case j.worker
               when 'card' then p.state = any($3)
                   or exists (select from authorizations a where a.payment_id = p.id and a.state = any($4))
               when 'refund' then r.state = any($5)
               when 'webhook' then d.state = $6
           end as has_work
    from jobs j
    left join payments p on j.worker = 'card' and p.id = j.owner_id
    left join refunds r on j.worker = 'refund' and r.id = j.owner_id
    left join deliveries d on j.worker = 'webhook' and d.id = j.owner_id
    left join webhook_endpoints w on w.id = d.endpoint_id
    where j.id > $1 and j.id <= $2
)
select 'job_work' as "rule!", 'job ' || worker as "kind!", owner_id as "id!", 'something to do' as "expected",
       coalesce('the owner is ' || state, 'the owner is missing') as "found"
from c where has_work is not true
union all
select 'job_owner', 'job ' || worker, owner_id, 'merchant and mode of its owner', 'another'
from c where not is_own
union all
select 'job_overdue', 'job ' || worker, owner_id, 'due within 90 seconds', 'due since ' || due
from c where parked_at is null and due < now() - interval '90 seconds'
union all
select 'job_parked', 'job ' || worker, owner_id, 'not parked', 'parked since ' || parked_at || ': ' || coalesce(error, '')
from c where parked_at is not null
