-- The history of the payments in a range of ids. $3: the legal entries, as "state before, event, state after",
-- the first without a state before; $4: the legal failures, as "event, failure".
with p as materialized (
    select id, state, version, failure, created_at from payments where id > $1 and id <= $2
), wrong as materialized (
    select p.id, p.state as ends, p.version as last, p.failure, p.created_at, h.*
    from p
    left join lateral (
        select version, event, state, at, authorization_id, lag(version) over w as version_before,
               lag(state) over w as state_before, lead(version) over w is null as is_last
        from payment_history where payment_id = p.id window w as (order by version)) h on true
    where (h.version = coalesce(h.version_before + 1, 0)
           and concat_ws(' ', h.state_before, h.event, h.state) = any($3)
           and (not h.is_last or (h.state = p.state and h.version = p.version))
           and (h.version_before is not null or h.at = p.created_at)
           and (p.failure is null or h.state <> p.state or h.state_before is not distinct from h.state
                or h.event || ' ' || p.failure = any($4))
           and (h.authorization_id is null
                or exists (select from authorizations a where a.id = h.authorization_id and a.payment_id = p.id))
          ) is not true
)
select 'history_gap' as "rule!", 'payment' as "kind!", id as "id!",
       'version ' || coalesce(version_before + 1, 0) as "expected", 'version ' || version as "found"
from wrong where version <> coalesce(version_before + 1, 0)
union all
select 'history_step', 'payment', id, 'an event that is legal' || coalesce(' after ' || state_before, ' first'),
       event || ' to ' || state || ' at version ' || version
from wrong where version is not null and concat_ws(' ', state_before, event, state) <> all($3)
union all
select 'history_end', 'payment', id, ends || ' at version ' || last,
       coalesce(state || ' at version ' || version, 'no history')
from wrong where version is null or (is_last and (state, version) is distinct from (ends::text, last))
union all
select 'history_attempt', 'payment', id, 'an attempt of the payment', event || ' of ' || authorization_id
from wrong w
where authorization_id is not null
  and not exists (select from authorizations a where a.id = w.authorization_id and a.payment_id = w.id)
union all
select 'payment_created', 'payment', id, 'created at ' || at, 'created at ' || created_at
from wrong where version_before is null and at <> created_at
union all
select 'payment_failure', 'payment', id, 'a failure that ' || event || ' causes', failure
from wrong
where failure is not null and state = ends and state_before is distinct from state
  and event || ' ' || failure <> all($4)
