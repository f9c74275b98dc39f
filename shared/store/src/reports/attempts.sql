-- The attempts of the payments in a range of ids. $3: what an attempt's last event and its state may be, as
-- "event, state"; an attempt without event has only the state.
with a as materialized (
    select a.id, a.state, a.approved_amount, p.amount, h.event
    from authorizations a
    join payments p on p.id = a.payment_id
    left join lateral (
        select event from payment_history
        where payment_id = a.payment_id and authorization_id = a.id order by version desc limit 1) h on true
    where a.payment_id > $1 and a.payment_id <= $2
)
select 'attempt_history' as "rule!", 'authorization' as "kind!", id as "id!",
       'a state that follows ' || coalesce(event, 'no event') as "expected", state::text as "found"
from a where concat_ws(' ', event, state) <> all($3)
union all
select 'attempt_amount', 'authorization', id, 'approved ' || amount, 'approved ' || approved_amount
from a where approved_amount <> amount
