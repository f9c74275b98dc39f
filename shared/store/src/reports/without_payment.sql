-- Rows of payments in a range of ids that do not exist.
with child (source, payment_id) as (
    select 'history', payment_id from (
        select distinct payment_id from payment_history where payment_id > $1 and payment_id <= $2) h
    union all
    select 'attempt', payment_id from authorizations where payment_id > $1 and payment_id <= $2
    union all
    select 'sealed card', payment_id from sealed_cards where payment_id > $1 and payment_id <= $2
)
select 'payment_missing' as "rule!", 'payment' as "kind!", payment_id as "id!", 'a payment' as "expected",
       'only its ' || source as "found"
from child c where not exists (select from payments p where p.id = c.payment_id)
