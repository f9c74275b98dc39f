-- Changes payments: each with its attempt, history, postings, event, deliveries and job, or nothing
-- of it. Only the version that was read is changed. The rows of a batch are never joined with each
-- other: the planner expects ten of them and would compare each with all.
--
-- $16 says that the disk need not be waited for: what a crash of the database would take back is
-- found again at the acquirer, as after a crash of the worker. Each end is waited for.
with commit_mode as materialized (
    select case when $16 then set_config('synchronous_commit', 'off', true) end as set
), input as (
    select * from unnest(
        $1::uuid[], $2::integer[], $3::jsonb[], $4::text[], $5::text[], $6::uuid[], $7::text[],
        $8::bytea[], $9::boolean[], $10::jsonb[], $11::uuid[], $12::text[], $13::jsonb[],
        $14::text[]
    ) with ordinality as i(
        payment_id, was, happened, to_state, reason, authorization_id, authorization_state,
        fingerprint, forget, postings, event_id, kind, notice, job, ord)
), change as (
    update payments p
    set state = i.to_state, version = i.was + jsonb_array_length(i.happened),
        failure = coalesce(i.reason, p.failure),
        card_fingerprint = coalesce(i.fingerprint, p.card_fingerprint),
        updated_at = now()
    from commit_mode, input i
    where p.id = i.payment_id and p.version = i.was
    returning p.id, p.version, p.merchant_id, p.live, p.currency, i.ord, i.was, i.happened,
              i.authorization_id, i.authorization_state, i.forget, i.postings, i.event_id, i.kind,
              i.notice, i.job
), history as (
    insert into payment_history (payment_id, version, event, state, authorization_id)
    select c.id, c.was + h.line, h.event, h.state, h.authorization_id
    from change c, rows from (
        jsonb_to_recordset(c.happened) as (event text, state text, authorization_id uuid)
    ) with ordinality as h(event, state, authorization_id, line)
), attempt as (
    update authorizations a
    set state = c.authorization_state, updated_at = now()
    from change c where a.id = c.authorization_id and a.payment_id = c.id
), forgotten as (
    delete from sealed_cards s using change c where c.forget and s.payment_id = c.id
), posting as (
    select c.id as payment_id, c.merchant_id, c.live, c.currency, x.id, x.kind, x.entries
    from change c, jsonb_to_recordset(c.postings) as x(id uuid, kind text, entries jsonb)
), posted as (
    insert into ledger_postings (id, payment_id, kind, currency)
    select id, payment_id, kind, currency from posting
), entered as (
    insert into ledger_entries (posting_id, account, merchant_id, live, amount)
    select p.id, e.account, p.merchant_id, p.live, e.amount
    from posting p, jsonb_to_recordset(p.entries) as e(account text, amount numeric)
), told as (
    insert into events (id, merchant_id, live, kind, payment_id, notice)
    select event_id, merchant_id, live, kind, id, notice from change where event_id is not null
), sent as (
    insert into deliveries (id, event_id, endpoint_id, state)
    select gen_random_uuid(), c.event_id, w.id, 'delivering'
    from change c
    join webhook_endpoints w
      on w.merchant_id = c.merchant_id and w.live = c.live and w.status = 'active'
     and c.kind = any(w.kinds)
    where c.event_id is not null
    returning id, event_id
), due as (
    insert into jobs (worker, id, due_at)
    select 'webhook', id, now() + interval '2 seconds' from sent
), cleared as (
    delete from jobs o using change c where c.job = 'clear' and o.worker = 'card' and o.id = c.id
), kept as (
    update jobs o
    set due_at = now() + make_interval(secs => $15),
        leased_until = now() + make_interval(secs => $15),
        attempts = 0
    from change c where c.job = 'keep' and o.worker = 'card' and o.id = c.id
), put as (
    insert into jobs as o (worker, id, due_at)
    select 'card', id, now() from change where job = 'put'
    on conflict (worker, id) do update set due_at = least(o.due_at, now()), seq = o.seq + 1
)
select ord, version, null::uuid as delivery_id, null::uuid as event_id from change
union all
select null, null, id, event_id from sent
