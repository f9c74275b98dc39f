-- Jobs: which worker acts on what, and when. RabbitMQ only dispatches them; every queue can be
-- rebuilt from this table.

create table jobs (
    worker        text not null constraint jobs_worker_known check (worker in ('card', 'refund', 'webhook')),
    -- The owner's id for its main job; a timer beside it has an id of its own.
    id            uuid not null,
    -- The payment, refund or delivery that the worker acts on.
    owner_id      uuid not null,
    -- What for: 'advance' is the owner's state machine.
    purpose       text not null default 'advance'
        constraint jobs_purpose_format check (purpose ~ '^[a-z_]{1,40}$'),
    merchant_id   uuid not null,
    live          boolean not null,
    -- Grows when the job is rescheduled; a message for an older one is stale.
    seq           bigint not null default 1,
    -- When it is due. A claim leaves this alone, so that claiming changes no indexed column; while
    -- the lease lasts the job is not published.
    due_at        timestamptz not null,
    -- How often the scheduler published it since it was last written; the wait doubles.
    publish_count smallint not null default 0,
    -- Claims in a row without success; shows a job that ends its worker.
    attempts      smallint not null default 0,
    -- Names the claim. Whoever writes this row later must name it too.
    lease         uuid,
    leased_until  timestamptz,
    parked_at     timestamptz,
    error         text,
    primary key (worker, id)
) with (fillfactor = 70);

create index jobs_due on jobs (due_at, id) where parked_at is null;

-- The one claim of all workers: takes a lease on each job whose message is not stale and that nobody
-- else holds. In plpgsql, because it keeps its plan from call to call.
create function claim_jobs(of_worker text, ids uuid[], seqs bigint[], leases uuid[],
                           lease_seconds double precision)
returns table (lease uuid, owner_id uuid, attempts smallint)
language plpgsql as $$
#variable_conflict use_column
begin
    return query
        update jobs j
        set lease = c.lease, leased_until = now() + make_interval(secs => lease_seconds),
            attempts = least(j.attempts + 1, 1000), publish_count = 0
        from unnest(ids, seqs, leases) as c(id, seq, lease)
        where j.worker = of_worker and j.id = c.id and j.seq = c.seq and j.parked_at is null
          and (j.leased_until is null or j.leased_until < now() or j.lease = c.lease)
        returning j.lease, j.owner_id, j.attempts;
end $$;
