-- Copies everything that the gateway has made, {copies} times, with new ids and email addresses.
-- The copy has the time of the id.
create function pg_temp.map(id uuid, copy integer) returns uuid language sql immutable return
    overlay(md5(id::text || copy)::uuid::text placing left(id::text, 13) from 1)::uuid;
create function pg_temp.map(data jsonb, path text[], copy integer) returns jsonb language sql immutable return
    case when data #>> path is null then data
         else jsonb_set(data, path, to_jsonb(pg_temp.map((data #>> path)::uuid, copy))) end;
do $$
declare
    one record;
    mapped text;
begin
    for one in select * from (values
        ('customers', '{id}'), ('intents', '{id}'), ('payments', '{id,customer_id,intent_id}'),
        ('payment_history', '{payment_id,authorization_id}'), ('sealed_cards', '{payment_id}'),
        ('authorizations', '{id,payment_id}'), ('refunds', '{id,payment_id,intent_id}'),
        ('ledger_postings', '{id,cause_id}'), ('ledger_entries', '{posting_id}'),
        ('idempotency_keys', '{subject_id}'), ('events', '{id,subject_id}'), ('deliveries', '{id,event_id}'),
        ('delivery_attempts', '{delivery_id}'), ('jobs', '{id,owner_id,lease}')) as t(name, ids) loop
        select string_agg(format('%L, pg_temp.map(o.%I, n)', id, id), ', ') into mapped from unnest(one.ids::text[]) id;
        mapped := mapped || case one.name
            when 'customers' then $m$, 'email', n || o.email$m$
            when 'payments' then $m$, 'idempotency_key', o.idempotency_key || n$m$
            when 'idempotency_keys' then $m$, 'key', o.key || n$m$
            when 'events' then $m$, 'data', pg_temp.map(pg_temp.map(pg_temp.map(pg_temp.map(
                o.data, '{payment_id}', n), '{intent_id}', n), '{customer,id}', n), '{paid,payment_id}', n)$m$
            else '' end;
        execute format('insert into %1$I select r.* from %1$I o, generate_series(1, {copies}) n, '
                       'lateral jsonb_populate_record(null::%1$I, to_jsonb(o) || jsonb_build_object(%2$s)) r',
                       one.name, mapped);
    end loop;
end $$;

-- One row of each kind, to corrupt.
create temporary table picked as
select 'captured' as name, p.id from payments p
join deliveries d on d.event_id = (select e.id from events e where e.subject_id = p.id)
where p.state = 'captured' and p.intent_id is null and p.refunded = 0 and p.idempotency_key is not null
  and d.state = 'delivered'
union all
select p.state, p.id from payments p where p.state <> 'captured' and p.intent_id is null and p.checkout is null
union all
select 'captured later', p.id from payments p join ledger_postings l on l.cause_id = p.id and l.kind = 'hold'
where p.state = 'captured'
union all
select 'declined', p.id from payments p join payment_history h on h.payment_id = p.id and h.event = 'declined'
where p.intent_id is null
union all
select 'paid twice over', p.id from payments p join authorizations a on a.payment_id = p.id and a.attempt = 2
where p.state = 'captured'
union all
select 'paid intent', i.id from intents i join payments p on p.intent_id = i.id and p.state = 'captured'
union all
select 'payment of an intent', p.id from payments p where p.state = 'authorizing' and p.intent_id is not null
union all
select 'refund', r.id from refunds r where r.state = 'refunded' and r.intent_id is null
union all
select 'refunding', r.id from refunds r where r.state = 'refunding'
union all
select 'failed refund', r.id from refunds r where r.state = 'failed'
union all
select 'refund of an intent', r.id from refunds r where r.state = 'refunded' and r.intent_id is not null
union all
select 'silent event', e.id from events e
where e.subject = 'payment' and not exists (select from deliveries d where d.event_id = e.id)
union all
select 'silent customer', e.subject_id from events e
where e.type = 'customer.created' and not exists (select from deliveries d where d.event_id = e.id)
  and not exists (select from payments p where p.customer_id = e.subject_id)
union all
select 'silent intent', e.subject_id from events e
where e.type = 'intent.created' and not exists (select from deliveries d where d.event_id = e.id)
  and not exists (select from payments p where p.intent_id = e.subject_id and p.state = 'captured')
  and e.merchant_id = (select merchant_id from webhook_endpoints where url like '%/other')
union all
select 'other endpoint', id from webhook_endpoints where url like '%/other'
union all
select 'other merchant', merchant_id from webhook_endpoints where url like '%/other'
union all
select d.state, d.id from deliveries d;

create function pg_temp.pick(kind text) returns uuid language sql stable return (
    select id from picked where name = kind order by id limit 1);
