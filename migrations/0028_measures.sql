-- What the scheduler measures for operators.

-- The result of the last run of `sluice verify`: one row.
create table verify_result (
    is_last     boolean primary key default true constraint verify_result_one check (is_last),
    finished_at timestamptz not null,
    differences bigint not null constraint verify_result_differences_range check (differences >= 0)
);

grant select, insert, update on verify_result to sluice_operator;
grant select on verify_result to sluice_scheduler;

-- The age of what is in progress.
grant select (id, state, created_at) on payments, refunds to sluice_scheduler;
grant select (id, event_id, state, resent_at) on deliveries to sluice_scheduler;
grant select (id, created_at) on events to sluice_scheduler;
