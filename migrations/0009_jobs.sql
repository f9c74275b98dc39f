-- The job schedule: which worker acts on what, and when. RabbitMQ only dispatches jobs; every queue can
-- be rebuilt from this table.

create domain worker as text constraint worker_known check (value in ('card', 'refund', 'webhook'));
create domain job_purpose as text constraint job_purpose_format check (value ~ '^[a-z_]{1,40}$');

create table jobs (
    worker        worker not null,
    -- The owner's id for the owner's main job; any other job, such as a timer, has an id of its own. The
    -- primary key is the id alone: with (worker, id), a plan that was cached while the table was empty
    -- would scan all jobs of the worker.
    id            uuid primary key,
    -- The payment, refund or delivery that the worker processes.
    owner_id      uuid not null,
    -- The job's purpose; 'advance' runs the owner's state machine.
    purpose       job_purpose not null default 'advance',
    merchant_id   uuid not null,
    live          boolean not null,
    -- The version of the job, incremented when it is rescheduled. A message with an older one is stale.
    seq           bigint not null default 1,
    -- When it is due. A claim leaves this unchanged, so that its update touches no index; while a lease
    -- lasts, the scheduler does not publish the job.
    due_at        timestamptz not null,
    -- How many times the scheduler has published it since it was last claimed or rescheduled. The delay
    -- before the next time doubles.
    publish_count smallint not null default 0,
    -- Claims in a row without success: detects a job that crashes its worker.
    claims      smallint not null default 0,
    -- Identifies the claim. Every later write must name it, so that an expired claim changes nothing.
    lease         uuid,
    leased_until  timestamptz,
    -- The claimer's session, which holds an advisory lock with this key while its process runs.
    leased_by     bigint,
    parked_at     timestamptz,
    -- The last failure, or why it is parked.
    error         text
) with (fillfactor = 70);

create index jobs_due on jobs (worker, due_at) where parked_at is null;

-- Claims jobs, for all workers: takes a lease on each job whose message is not stale and that no other
-- claim holds. A claim ends with its lease, or with the session of the process that made it: then the
-- session's advisory lock is free. A repeated claim with the same lease succeeds, because the response to the first may have
-- been lost. In plpgsql, which caches the plan between calls. `rows`: a plan for the default, 1,000 rows,
-- would read whole tables to join them.
create function claim_jobs(of_worker text, ids uuid[], seqs bigint[], leases uuid[], session bigint,
                           lease_seconds double precision)
returns table (lease uuid, owner_id uuid, claims smallint)
language plpgsql rows 10 as $$
#variable_conflict use_column
begin
    return query
        update jobs j
        set lease = c.lease, leased_until = now() + make_interval(secs => lease_seconds),
            leased_by = session, claims = least(j.claims + 1, 1000), publish_count = 0
        from unnest(ids, seqs, leases) as c(id, seq, lease)
        -- "is true" keeps the worker out of the index scan: planned while the table was empty, the claim would
        -- read all jobs of the worker by the index jobs_due.
        where j.id = c.id and (j.worker = of_worker) is true and j.seq = c.seq and j.parked_at is null
          and (j.leased_until is null or j.leased_until < now() or j.lease = c.lease
               or pg_try_advisory_xact_lock_shared(j.leased_by))
        returning j.lease, j.owner_id, j.claims;
end $$;
