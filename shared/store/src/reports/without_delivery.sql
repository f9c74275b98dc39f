-- Attempts of deliveries in a range of ids that do not exist.
select 'delivery_missing' as "rule!", 'delivery' as "kind!", delivery_id as "id!", 'a delivery' as "expected",
       'only attempts' as "found"
from (select distinct delivery_id from delivery_attempts where delivery_id > $1 and delivery_id <= $2) a
where not exists (select from deliveries d where d.id = a.delivery_id)
