//! Events and deliveries.

use store::reports::Rule;

pub const EVENTS: [(Rule, &str); 22] = [
    (
        Rule::PaymentEvent,
        "delete from events where id = (
             select id from events where subject_id = (
                 select subject_id from events where id = pg_temp.pick('silent event'))) returning subject_id",
    ),
    (
        Rule::PaymentEvent,
        "insert into events (id, merchant_id, live, type, subject, subject_id, data, data_version, created_at)
         select gen_random_uuid(), merchant_id, live, type, subject, subject_id, data, data_version, created_at
         from events where id = pg_temp.pick('silent event') returning subject_id",
    ),
    // An event of another kind than its payment.
    (
        Rule::PaymentEvent,
        "update events set type = 'payment.failed' where subject_id = pg_temp.pick('captured') returning subject_id",
    ),
    (
        Rule::RefundEvent,
        "with e as (delete from events where subject_id = pg_temp.pick('refund') returning id, subject_id),
         d as (delete from deliveries d using e where event_id = e.id returning d.id),
         j as (delete from jobs j using d where j.id = d.id),
         a as (delete from delivery_attempts a using d where delivery_id = d.id)
         select subject_id from e",
    ),
    (
        Rule::IntentEvent,
        "delete from events where subject_id = pg_temp.pick('silent intent') and type = 'intent.created'
         returning subject_id",
    ),
    (
        Rule::CustomerEvent,
        "delete from events where subject_id = pg_temp.pick('silent customer') returning subject_id",
    ),
    // An event of another merchant, of another payment, of something that does not exist.
    (
        Rule::EventSubject,
        "update events set merchant_id = (select id from merchants where id <> events.merchant_id limit 1), live = true
         where id = pg_temp.pick('silent event') returning id",
    ),
    (
        Rule::EventSubject,
        "update events set subject = 'refund' where id = pg_temp.pick('silent event') returning id",
    ),
    (
        Rule::EventSubject,
        "insert into events (id, merchant_id, live, type, subject, subject_id, data, data_version)
         values (gen_random_uuid(), pg_temp.pick('other merchant'), false, 'customer.updated', 'customer',
                 gen_random_uuid(), '{}', 1) returning id",
    ),
    // An event with another amount, failure or card than its payment.
    (
        Rule::EventSnapshot,
        "update events set data = jsonb_set(data, '{money,amount}', '\"1.00\"')
         where subject_id = pg_temp.pick('captured') returning id",
    ),
    (
        Rule::EventSnapshot,
        "update events set data = jsonb_set(data, '{failure}', '\"expired_card\"')
         where subject_id = pg_temp.pick('declined') returning id",
    ),
    (
        Rule::EventSnapshot,
        "update events set data = jsonb_set(data, '{card,last4}', '\"0000\"')
         where subject_id = pg_temp.pick('captured') returning id",
    ),
    (
        Rule::EventSnapshot,
        "with p as (update payments set card_last4 = '0000' where id = pg_temp.pick('captured') returning id)
         select e.id from events e join p on p.id = e.subject_id",
    ),
    (
        Rule::EventSnapshot,
        "update events set data = jsonb_set(data, '{money,amount}', '\"7.00\"')
         where subject_id = pg_temp.pick('refund') returning id",
    ),
    (
        Rule::EventSnapshot,
        "update intents set amount = amount + 1 where id = pg_temp.pick('silent intent')
         returning (select id from events where subject_id = intents.id and type = 'intent.created')",
    ),
    (
        Rule::EventDelivery,
        "with d as (delete from deliveries where id = pg_temp.pick('delivered') returning id, event_id),
         a as (delete from delivery_attempts a using d where delivery_id = d.id)
         select event_id from d",
    ),
    // A delivery to an endpoint of another merchant.
    (
        Rule::DeliveryEndpoint,
        "insert into deliveries (id, event_id, endpoint_id, state)
         select gen_random_uuid(), id, pg_temp.pick('other endpoint'), 'canceled'
         from events where subject_id = pg_temp.pick('captured') returning id",
    ),
    (
        Rule::DeliveryEndpoint,
        "update deliveries set event_id = gen_random_uuid() where id = pg_temp.pick('canceled') returning id",
    ),
    (
        Rule::DeliveryAttempts,
        "delete from delivery_attempts where delivery_id = pg_temp.pick('delivered') returning delivery_id",
    ),
    // Delivered although the endpoint failed, and given up after one attempt.
    (
        Rule::DeliveryOutcome,
        "update delivery_attempts set status = 500 where delivery_id = pg_temp.pick('delivered') returning delivery_id",
    ),
    (
        Rule::DeliveryOutcome,
        "with j as (delete from jobs where id = pg_temp.pick('delivering'))
         update deliveries set state = 'exhausted' where id = pg_temp.pick('delivering') returning id",
    ),
    (
        Rule::DeliveryMissing,
        "insert into delivery_attempts (delivery_id, attempt, status, duration_ms)
         values (gen_random_uuid(), 1, 200, 5) returning delivery_id",
    ),
];
