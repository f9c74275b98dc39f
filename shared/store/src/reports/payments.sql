-- Payments against their history, attempts and sealed cards. $1, $2: the legal transitions; $3: the states
-- of a payment that holds an approval, $4: that needs its card; $5: the state of an approved attempt, $6: the
-- states of one that is open and undecided.
with moves as (
    select * from unnest($1::text[], $2::text[]) as m(earlier, later)
), steps as (
    select h.payment_id, h.version, h.state,
           lag(h.state) over w as earlier, lag(h.version) over w as earlier_version
    from payment_history h window w as (partition by h.payment_id order by h.version)
), attempts as (
    select p.id, p.state,
           count(*) filter (where a.state = $5) as approved,
           count(*) filter (where a.state = any($6)) as undecided
    from payments p left join authorizations a on a.payment_id = p.id
    group by p.id
)
select 'history has no gap' as "rule!", payment_id::text as "subject!",
       'version ' || version as "detail!"
from steps where version <> coalesce(earlier_version + 1, 0)
union all
select 'history is legal', s.payment_id::text, s.earlier || ' to ' || s.state
from steps s
where s.earlier is not null
  and not exists (select from moves m where m.earlier = s.earlier and m.later = s.state)
union all
select 'history ends where the payment is', p.id::text,
       p.state || ' at version ' || p.version || ', history: ' || coalesce(h.state, 'none')
from payments p
left join lateral (
    select state, version from payment_history where payment_id = p.id order by version desc limit 1) h on true
where h.state is distinct from p.state or h.version is distinct from p.version
union all
select 'a paid payment has one approval', id::text, state || ' with ' || approved
from attempts where state = any($3) and (approved <> 1 or undecided > 0)
union all
select 'an unpaid payment holds nothing', id::text,
       state || ' with ' || approved || ' approved, ' || undecided || ' undecided'
from attempts where state <> all($3) and state <> all($4) and approved + undecided > 0
union all
select 'a card is sealed exactly while it is needed', p.id::text,
       p.state || case when s.payment_id is null then ' without card' else ' with card' end
from payments p left join sealed_cards s on s.payment_id = p.id
where (p.state = any($4)) <> (s.payment_id is not null)
