-- The deliveries of the events in a range of ids, against their events, endpoints, attempts and jobs. $3: the state of one in
-- progress; $4: of one that was accepted; $5: of one that was given up after $6 attempts. $7: how many seconds a
-- delivery may take; $8: how many its attempts are kept.
with c as materialized (
    select d.id, d.event_id, d.endpoint_id, d.state, d.attempts, coalesce(d.resent_at, e.created_at) as written_at,
           (e.created_at < now() - make_interval(secs => $8::float8 - 60)) is not true as is_kept,
           (w.merchant_id, w.live) = (e.merchant_id, e.live) as is_own, a.*
    from deliveries d
    left join events e on e.id = d.event_id
    left join webhook_endpoints w on w.id = d.endpoint_id
    cross join lateral (
        select count(*) as recorded, coalesce(max(attempt), 0) as last_recorded,
               count(*) filter (where status between 200 and 299) as accepted
        from delivery_attempts where delivery_id = d.id) a
    where d.event_id > $1 and d.event_id <= $2
)
select 'delivery_endpoint' as "rule!", 'delivery' as "kind!", id as "id!",
       'an event and an endpoint of one merchant and mode' as "expected",
       'event ' || event_id || ', endpoint ' || endpoint_id
           || case when is_own then '' when is_own is null then ', one of them missing' else ', of different ones' end as "found"
from c where is_own is not true
union all
select 'delivery_attempts', 'delivery', id, 'attempts 1 to ' || attempts, recorded || ', the last is ' || last_recorded
from c
where is_kept and (recorded <> attempts or last_recorded <> attempts)
union all
select 'delivery_outcome', 'delivery', id,
       case state when $4 then 'a response of 2xx' when $5 then $6::integer || ' attempts without a response of 2xx'
                  else 'fewer than ' || $6::integer || ' attempts, without a response of 2xx' end,
       state || ' with ' || accepted || ' of 2xx in ' || attempts || ' attempts'
from c
where case state when $4 then accepted <> 1 and recorded > 0 and is_kept when $5 then accepted > 0 or attempts <> $6::integer
                 else accepted > 0 or attempts >= $6::integer end
union all
select 'work_has_job', 'delivery', id, 'a job of the worker webhook', state || ' without job'
from c
where state = $3
  and not exists (select from jobs j where j.id = c.id and j.owner_id = c.id and j.worker = 'webhook')
union all
select 'work_in_time', 'delivery', id, 'final within ' || make_interval(secs => $7), state || ' since ' || written_at
from c where state = $3 and written_at < now() - make_interval(secs => $7)
