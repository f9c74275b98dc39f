-- Jobs against what is in progress. $1: the states of payments that have a job; $2, $3, $4: the states in
-- progress of authorizations, deliveries and refunds; $6: of payments. $5, $7, $8: how many seconds payments,
-- refunds and deliveries may stay in progress.
with work as (
    select 'card' as worker, id, state from payments where state = any($1)
    union
    select 'card', payment_id, state from authorizations where state = any($2)
    union
    select 'webhook', id, state from deliveries where state = any($3)
    union
    select 'refund', id, state from refunds where state = any($4)
)
select 'what is in progress has a job' as "rule!", w.worker || ' ' || w.id as "subject!", w.state as "detail!"
from work w
where not exists (select from jobs o where o.worker = w.worker and o.owner_id = w.id)
union all
select 'a job has something to do', o.worker || ' ' || o.id, 'nothing to do'
from jobs o
where not exists (select from work w where w.worker = o.worker and w.id = o.owner_id)
union all
select 'nothing is overdue', o.worker || ' ' || o.id, 'due since ' || greatest(o.due_at, o.leased_until)
from jobs o
where o.parked_at is null and greatest(o.due_at, o.leased_until) < now() - interval '90 seconds'
union all
select 'nothing is parked', o.worker || ' ' || o.id, coalesce(o.error, '')
from jobs o where o.parked_at is not null
union all
select 'nothing takes longer than its bound', w.worker || ' ' || w.id, w.state || ' since ' || w.since
from (select 'payment' as worker, id, state, created_at as since, make_interval(secs => $5) as bound
      from payments where state = any($6)
      union all
      select 'authorization', id, state, updated_at, make_interval(secs => $5) from authorizations where state = any($2)
      union all
      select 'refund', id, state, created_at, make_interval(secs => $7) from refunds where state = any($4)
      union all
      select 'delivery', d.id, d.state, coalesce(d.resent_at, e.created_at), make_interval(secs => $8)
      from deliveries d join events e on e.id = d.event_id where d.state = any($3)) w
where w.since < now() - w.bound
