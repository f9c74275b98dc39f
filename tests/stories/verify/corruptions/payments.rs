//! Payments, their history, attempts, cards, customers, intents and keys.

use store::reports::Rule;

pub const PAYMENTS: [(Rule, &str); 27] = [
    (
        Rule::HistoryGap,
        "update payment_history set version = -1
         where payment_id = pg_temp.pick('captured') and version = 0 returning payment_id",
    ),
    (
        Rule::HistoryGap,
        "delete from payment_history where payment_id = pg_temp.pick('captured') and version = 1 returning payment_id",
    ),
    // An event that the state does not allow.
    (
        Rule::HistoryStep,
        "update payment_history set event = 'opened'
         where payment_id = pg_temp.pick('captured') and version = 0 returning payment_id",
    ),
    (
        Rule::HistoryStep,
        "update payment_history set event = 'declined'
         where payment_id = pg_temp.pick('captured') and event = 'captured' returning payment_id",
    ),
    (
        Rule::HistoryEnd,
        "update payments set version = version + 1 where id = pg_temp.pick('captured') returning id",
    ),
    (
        Rule::HistoryEnd,
        "update payments set state = 'failed', failure = 'card_declined'
         where id = pg_temp.pick('captured') returning id",
    ),
    (
        Rule::HistoryEnd,
        "with h as (delete from payment_history where payment_id = pg_temp.pick('created') returning payment_id)
         select payment_id from h",
    ),
    (
        Rule::HistoryAttempt,
        "update payment_history set authorization_id = gen_random_uuid()
         where payment_id = pg_temp.pick('captured') and event = 'created' returning payment_id",
    ),
    (
        Rule::HistoryAttempt,
        "delete from authorizations where payment_id = pg_temp.pick('captured') returning payment_id",
    ),
    (
        Rule::PaymentMissing,
        "insert into payment_history (payment_id, version, event, state)
         values (gen_random_uuid(), 0, 'created', 'created') returning payment_id",
    ),
    (
        Rule::PaymentMissing,
        "delete from payments where id = pg_temp.pick('captured') returning id",
    ),
    (
        Rule::PaymentCreated,
        "update payments set created_at = created_at - interval '1 hour'
         where id = pg_temp.pick('created') returning id",
    ),
    (
        Rule::PaymentFailure,
        "with p as (
             update payments set failure = 'payment_expired' where id = pg_temp.pick('declined') returning id, failure)
         update events e set data = jsonb_set(data, '{failure}', to_jsonb(p.failure)) from p
         where e.subject_id = p.id returning p.id",
    ),
    // The approval is forgotten: an attempt that was never answered.
    (
        Rule::PaymentApproval,
        "with h as (
             update payment_history set authorization_id = null
             where payment_id = pg_temp.pick('captured') returning payment_id),
         j as (insert into jobs (worker, id, owner_id, merchant_id, live, due_at)
             select 'card', id, id, merchant_id, live, now() from payments where id = pg_temp.pick('captured'))
         update authorizations set state = 'sending'
         where payment_id = pg_temp.pick('captured') returning payment_id",
    ),
    (
        Rule::PaymentApproval,
        "update authorizations set state = 'declined' where payment_id = pg_temp.pick('captured') returning payment_id",
    ),
    (
        Rule::AttemptNumber,
        "update authorizations set attempt = 2 where payment_id = pg_temp.pick('captured') returning payment_id",
    ),
    // An attempt without history.
    (
        Rule::AttemptHistory,
        "insert into authorizations (id, payment_id, attempt, state, acquirer)
         values (gen_random_uuid(), pg_temp.pick('captured'), 2, 'declined', 'sandbox') returning id",
    ),
    (
        Rule::AttemptHistory,
        "update authorizations set state = 'reversed' where payment_id = pg_temp.pick('declined') returning id",
    ),
    (
        Rule::SealedCard,
        "delete from sealed_cards where payment_id = pg_temp.pick('authorizing') returning payment_id",
    ),
    (
        Rule::SealedCard,
        "insert into sealed_cards (payment_id, key_id, sealed)
         values (pg_temp.pick('captured'), gen_random_uuid(), '') returning payment_id",
    ),
    (
        Rule::PaymentCard,
        "update payments set card_last4 = null where id = pg_temp.pick('authorizing') returning id",
    ),
    // A customer of another merchant.
    (
        Rule::PaymentCustomer,
        "update payments set customer_id = pg_temp.pick('silent customer')
         where id = pg_temp.pick('authorizing') returning id",
    ),
    // An intent that is paid with another amount.
    (
        Rule::PaymentIntent,
        "update payments set amount = amount + 1 where id = pg_temp.pick('payment of an intent') returning id",
    ),
    (
        Rule::PaymentIntent,
        "update payments set intent_id = pg_temp.pick('silent intent')
         where id = pg_temp.pick('payment of an intent') returning id",
    ),
    (
        Rule::IntentCanceled,
        "with v as (
             insert into events (id, merchant_id, live, type, subject, subject_id, data, data_version, created_at)
             select gen_random_uuid(), merchant_id, live, type, subject, subject_id, data, data_version, created_at
             from events where subject_id = pg_temp.pick('paid intent') and type = 'intent.status_changed' limit 1)
         update intents set canceled_at = now() where id = pg_temp.pick('paid intent') returning id",
    ),
    // Idempotency keys are lost.
    (
        Rule::PaymentKey,
        "delete from idempotency_keys where subject_id = pg_temp.pick('captured') returning subject_id",
    ),
    (
        Rule::KeySubject,
        "update idempotency_keys set subject_id = gen_random_uuid()
         where subject_id = pg_temp.pick('silent customer') returning subject_id",
    ),
];
