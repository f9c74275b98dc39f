-- The events and postings of the payments in a range of ids. $3, $4: each final state and its event; $5: the legal
-- postings of a payment, as "state, kinds". $6: how many seconds events are kept.
with c as materialized (
    select p.id, p.state, e.types, l.kinds,
           case when p.intent_id is null then ($4::text[])[array_position($3::text[], p.state::text)] end as expects
    from payments p
    cross join lateral (
        select string_agg(type, ', ') as types from events where subject_id = p.id and subject = 'payment') e
    cross join lateral (
        select string_agg(kind, ', ' order by kind) as kinds from ledger_postings
        where cause_id = p.id and cause = 'payment') l
    where p.id > $1 and p.id <= $2
)
select 'payment_event' as "rule!", 'payment' as "kind!", id as "id!",
       coalesce('one event ' || expects, 'no event') as "expected",
       state || ' with ' || coalesce(types, 'no event') as "found"
from c
where types is distinct from expects
  and (types is not null
       or (select min(at) from payment_history h where h.payment_id = c.id and h.state = c.state)
          > now() - make_interval(secs => $6::float8 - 60))
union all
select 'payment_postings', 'payment', id, 'the postings of a payment that is ' || state, coalesce(kinds, 'no postings')
from c where concat_ws(' ', state, kinds) <> all($5)
