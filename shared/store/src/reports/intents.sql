-- The intents in a range of ids, against their payments and events. $3: the final states of a payment; $4: the
-- states of one that takes no money. $5, $6: the events of a new intent and of a changed one; $7: how many seconds
-- events are kept.
with c as materialized (
    select i.id, i.canceled_at, i.created_at > now() - make_interval(secs => $7::float8 - 60) as is_kept, p.*, e.*
    from intents i
    cross join lateral (
        select count(*) filter (where state = any($3)) + (i.canceled_at is not null)::int as changes,
               count(*) filter (where state <> all($4)) as paying
        from payments where intent_id = i.id) p
    cross join lateral (
        select count(*) filter (where type = $5) as created, count(*) filter (where type = $6) as changed
        from events where subject_id = i.id and subject = 'intent') e
    where i.id > $1 and i.id <= $2
)
select 'intent_canceled' as "rule!", 'intent' as "kind!", id as "id!", 'canceled, so no payment' as "expected",
       paying || ' payments' as "found"
from c where canceled_at is not null and paying > 0
union all
select 'intent_event', 'intent', id, '1 event of its creation and ' || changes || ' of changes',
       created || ' and ' || changed
from c
where created > 1 or changed > changes or (is_kept and (created = 0 or changed < changes))
