//! Jobs and what is in progress.

use store::reports::Rule;

pub const WORK: [(Rule, &str); 16] = [
    (Rule::WorkHasJob, "delete from jobs where id = pg_temp.pick('created') returning id"),
    (Rule::WorkHasJob, "delete from jobs where id = pg_temp.pick('authorizing') returning id"),
    (Rule::WorkHasJob, "delete from jobs where id = pg_temp.pick('capturing') returning id"),
    (Rule::WorkHasJob, "delete from jobs where id = pg_temp.pick('refunding') returning id"),
    (Rule::WorkHasJob, "delete from jobs where id = pg_temp.pick('delivering') returning id"),
    // An attempt that still holds, or may hold, money of a payment that has ended.
    (
        Rule::WorkHasJob,
        "insert into authorizations (id, payment_id, attempt, state, acquirer)
         values (gen_random_uuid(), pg_temp.pick('captured'), 2, 'watching', 'sandbox') returning payment_id",
    ),
    (
        Rule::WorkInTime,
        "with j as (
             insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
             select 'card', id, id, merchant_id, live, now() from payments where id = pg_temp.pick('captured'))
         insert into authorizations (id, payment_id, attempt, state, acquirer, updated_at)
         values (gen_random_uuid(), pg_temp.pick('captured'), 2, 'watching', 'sandbox', now() - interval '30 days')
         returning payment_id",
    ),
    // Work that never ends.
    (
        Rule::WorkInTime,
        "with h as (update payment_history set at = at - interval '30 days'
                    where payment_id = pg_temp.pick('authorizing') and version = 0)
         update payments set created_at = created_at - interval '30 days'
         where id = pg_temp.pick('authorizing') returning id",
    ),
    (
        Rule::WorkInTime,
        "update refunds set created_at = created_at - interval '40 days'
         where id = pg_temp.pick('refunding') returning id",
    ),
    (
        Rule::WorkInTime,
        "update events e set created_at = e.created_at - interval '30 days'
         from deliveries d where d.event_id = e.id and d.id = pg_temp.pick('delivering') returning d.id",
    ),
    (
        Rule::JobWork,
        "insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
         select 'card', id, id, merchant_id, live, now() from payments
         where id = pg_temp.pick('captured') returning id",
    ),
    (
        Rule::JobWork,
        "insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
         select 'refund', id, id, pg_temp.pick('other merchant'), false, now()
         from (select gen_random_uuid() as id) n returning id",
    ),
    (
        Rule::JobOwner,
        "update jobs set merchant_id = pg_temp.pick('other merchant')
         where id = pg_temp.pick('authorizing') returning id",
    ),
    (
        Rule::JobOwner,
        "update jobs set live = true where id = pg_temp.pick('delivering') returning id",
    ),
    (
        Rule::JobOverdue,
        "update jobs set due_at = now() - interval '1 hour', leased_until = null
         where id = pg_temp.pick('authorizing') returning id",
    ),
    (
        Rule::JobParked,
        "update jobs set parked_at = now() where id = pg_temp.pick('authorizing') returning id",
    ),
];
