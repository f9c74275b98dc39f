-- A worker claims only jobs whose purpose it knows. Another purpose is one of a newer version, which shares the
-- database during an upgrade: those jobs wait for its workers.
create or replace function claim_jobs(of_worker text, ids uuid[], seqs bigint[], leases uuid[], session bigint,
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
        where j.id = c.id and (j.worker = of_worker) is true and j.purpose = 'advance' and j.seq = c.seq
          and j.parked_at is null
          and (j.leased_until is null or j.leased_until < now() or j.lease = c.lease
               or pg_try_advisory_xact_lock_shared(j.leased_by))
        returning j.lease, j.owner_id, j.claims;
end $$;
