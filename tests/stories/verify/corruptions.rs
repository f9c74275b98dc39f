//! Corruptions that no constraint stops: what a wrong program, a wrong restore or a person with the owner's
//! login could do. Each returns the id of what `sluice verify` must name, and has the rule that must find it.

use store::reports::Rule;

pub const MONEY: [(Rule, &str); 22] = [
    // The whole amount is booked as fee.
    (
        Rule::PostingEntries,
        "with l as (select id, cause_id from ledger_postings where cause_id = pg_temp.pick('captured')),
         gone as (delete from ledger_entries e using l where posting_id = l.id and account = 'merchant_balance')
         update ledger_entries e set amount = -(select amount from payments where id = l.cause_id)
         from l where posting_id = l.id and account = 'fee_revenue' returning l.cause_id",
    ),
    // A cent moves from the merchant to the fee.
    (
        Rule::PostingEntries,
        "update ledger_entries e set amount = amount + case account when 'fee_revenue' then -0.01 else 0.01 end
         from ledger_postings l where l.id = e.posting_id and l.cause_id = pg_temp.pick('captured')
           and account <> 'acquirer_receivable' returning l.cause_id",
    ),
    // A posting does not balance.
    (
        Rule::PostingEntries,
        "update ledger_entries e set amount = amount + 1 from ledger_postings l
         where l.id = e.posting_id and l.cause_id = pg_temp.pick('refund') and account = 'merchant_balance'
         returning l.cause_id",
    ),
    (
        Rule::PostingEntries,
        "delete from ledger_entries e using ledger_postings l
         where l.id = e.posting_id and l.cause_id = pg_temp.pick('captured') returning l.cause_id",
    ),
    (
        Rule::PostingEntries,
        "update ledger_entries e set account = 'acquirer_hold' from ledger_postings l
         where l.id = e.posting_id and l.cause_id = pg_temp.pick('captured') and account = 'acquirer_receivable'
         returning l.cause_id",
    ),
    (
        Rule::PostingTerms,
        "update ledger_postings set currency = 'EUR' where cause_id = pg_temp.pick('captured') returning cause_id",
    ),
    (
        Rule::PostingTerms,
        "update ledger_entries e set merchant_id = pg_temp.pick('other merchant') from ledger_postings l
         where l.id = e.posting_id and l.cause_id = pg_temp.pick('captured') and account = 'merchant_balance'
         returning l.cause_id",
    ),
    // A posting in another month's books.
    (
        Rule::PostingTime,
        "update ledger_postings set at = at - interval '31 days'
         where cause_id = pg_temp.pick('captured') returning cause_id",
    ),
    (
        Rule::PostingTime,
        "update ledger_postings set at = at + interval '1 day'
         where cause_id = pg_temp.pick('refund') returning cause_id",
    ),
    (
        Rule::PostingCause,
        "with l as (
             insert into ledger_postings (id, cause, cause_id, kind, merchant_id, live, currency)
             select gen_random_uuid(), 'refund', gen_random_uuid(), 'refund', pg_temp.pick('other merchant'), false, 'USD'
             returning id),
         n as (insert into ledger_entries (posting_id, account, merchant_id, live, amount)
             select l.id, account, pg_temp.pick('other merchant'), false, amount
             from l, (values ('merchant_balance', 5), ('acquirer_receivable', -5)) as e(account, amount))
         select id from l",
    ),
    (
        Rule::PostingMissing,
        "insert into ledger_entries (posting_id, account, merchant_id, live, amount)
         values (gen_random_uuid(), 'fee_revenue', pg_temp.pick('other merchant'), false, 7) returning posting_id",
    ),
    (
        Rule::PaymentPostings,
        "with l as (delete from ledger_postings where cause_id = pg_temp.pick('captured') returning id, cause_id),
         n as (delete from ledger_entries e using l where posting_id = l.id)
         select cause_id from l",
    ),
    // A refund that was paid is not in the books.
    (
        Rule::RefundPosting,
        "with l as (delete from ledger_postings where cause_id = pg_temp.pick('refund') returning id, cause_id),
         n as (delete from ledger_entries e using l where posting_id = l.id)
         select cause_id from l",
    ),
    (
        Rule::RefundPosting,
        "update refunds set state = 'refunded' where id = pg_temp.pick('failed refund') returning id",
    ),
    // A refund of another merchant.
    (
        Rule::RefundPayment,
        "update refunds set merchant_id = pg_temp.pick('other merchant')
         where id = pg_temp.pick('refund of an intent') returning id",
    ),
    (
        Rule::RefundPayment,
        "update refunds set payment_id = gen_random_uuid() where id = pg_temp.pick('refund') returning id",
    ),
    (
        Rule::RefundPayment,
        "update refunds set payment_id = pg_temp.pick('declined') where id = pg_temp.pick('failed refund') returning id",
    ),
    (
        Rule::PaymentRefunded,
        "update payments set refunded = 1 where id = pg_temp.pick('captured') returning id",
    ),
    (
        Rule::PaymentRefunded,
        "update refunds set amount = amount + 1 where id = pg_temp.pick('refunding') returning payment_id",
    ),
    // Ten times the money.
    (
        Rule::PaymentCurrency,
        "update payments set exponent = 3 where id = pg_temp.pick('created') returning id",
    ),
    (
        Rule::AttemptAmount,
        "update authorizations set approved_amount = 1 where payment_id = pg_temp.pick('captured') returning id",
    ),
    (
        Rule::PostingEntries,
        "update payments set amount = amount * 10 where id = pg_temp.pick('captured') returning id",
    ),
];

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

pub const WORK: [(Rule, &str); 14] = [
    (Rule::WorkHasJob, "delete from jobs where id = pg_temp.pick('created') returning id"),
    (Rule::WorkHasJob, "delete from jobs where id = pg_temp.pick('authorizing') returning id"),
    (Rule::WorkHasJob, "delete from jobs where id = pg_temp.pick('capturing') returning id"),
    (Rule::WorkHasJob, "delete from jobs where id = pg_temp.pick('refunding') returning id"),
    (Rule::WorkHasJob, "delete from jobs where id = pg_temp.pick('delivering') returning id"),
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

/// Balances that are not the sums of their entries.
pub const DAYS: [(Rule, &str); 3] = [
    (
        Rule::AccountDay,
        "update account_days set credits = credits + 1 where account = 'merchant_balance' returning merchant_id",
    ),
    (
        Rule::AccountDay,
        "delete from account_days where account = 'merchant_balance' returning merchant_id",
    ),
    (
        Rule::AccountDay,
        "insert into account_days (account, merchant_id, live, currency, day, debits, entries)
         select 'merchant_hold', pg_temp.pick('other merchant'), false, 'USD', (now() at time zone 'UTC')::date, 5, 1
         returning merchant_id",
    ),
];

/// A payment is deleted with everything that belongs to it: what is left is the key of its request.
pub const DELETED: &str = "
    with p as (delete from payments where id = pg_temp.pick('captured') returning id),
    h as (delete from payment_history using p where payment_id = p.id),
    a as (delete from authorizations using p where payment_id = p.id),
    l as (delete from ledger_postings l using p where cause_id = p.id returning l.id),
    n as (delete from ledger_entries using l where posting_id = l.id),
    e as (delete from events e using p where subject_id = p.id returning e.id),
    d as (delete from deliveries d using e where event_id = e.id returning d.id),
    j as (delete from jobs j using d where j.id = d.id),
    t as (delete from delivery_attempts using d where delivery_id = d.id)
    select id from p";
