-- The customers in a range of ids. $3: the event of a new customer; $4: how many seconds events are kept.
select 'customer_event' as "rule!", 'customer' as "kind!", c.id as "id!", '1 event of its creation' as "expected",
       e.created::text as "found"
from customers c
cross join lateral (
    select count(*) as created from events where subject_id = c.id and subject = 'customer' and type = $3) e
where c.id > $1 and c.id <= $2
  and (e.created > 1 or (e.created = 0 and c.created_at > now() - make_interval(secs => $4::float8 - 60)))
