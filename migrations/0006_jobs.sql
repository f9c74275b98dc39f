-- The calendar: which worker must look at what, and when. RabbitMQ is only the queue.

create table jobs (
    worker       text not null constraint jobs_worker_known check (worker in ('card', 'webhook')),
    id           uuid not null,
    -- Grows with every writing; a ring for an older one is stale.
    seq          bigint not null default 1,
    due_at       timestamptz not null,
    -- How often the sweeper rang since the last writing; the wait doubles.
    publish_count        smallint not null default 0,
    -- Claims since the last success; a job that kills its worker is seen here.
    attempts     smallint not null default 0,
    lease        uuid,
    leased_until timestamptz,
    parked_at    timestamptz,
    error        text,
    primary key (worker, id)
) with (fillfactor = 70);

create index jobs_due on jobs (due_at, id) where parked_at is null;
