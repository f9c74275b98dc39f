-- Payments $from to $to of one merchant, captured, each with its history, attempt, posting, event and delivery, as
-- the gateway writes them. Ids grow with time as the gateway's do, but for those of deliveries, which are random.
set local session_replication_role = replica;
create temporary table made on commit drop as
select n, ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as payment,
       ('01900000-0000-7000-8001-' || lpad(to_hex(n), 12, '0'))::uuid as attempt,
       ('01900000-0000-7000-8002-' || lpad(to_hex(n), 12, '0'))::uuid as event,
       overlay(first_id_at(m.at)::text placing lpad(to_hex(n), 12, '0') from 25)::uuid as posting,
       md5(n::text)::uuid as delivery, 'order-' || n as key, 50 + (n % 1000)::numeric(12, 2) as amount,
       m.at
from generate_series({from}, {to}) n,
     lateral (select date_trunc('second', now()) - interval '20 days' + n * interval '1 millisecond' as at) m;

insert into payments (id, merchant_id, live, state, version, amount, currency, exponent, method, description, card_brand,
                      card_last4, card_exp_month, card_exp_year, card_fingerprint, idempotency_key, created_at, updated_at)
select payment, '{merchant}', false, 'captured', 2, amount, 'USD', 2, 'card', 'Order #' || n, 'visa', '4242', 12, 2030,
       sha256(n::text::bytea), key, at, at
from made;
insert into payment_history (payment_id, version, event, state, authorization_id, at)
select payment, h.version, h.event, h.state, case h.version when 1 then attempt end, at
from made, (values (0, 'created', 'authorizing'), (1, 'authorized', 'capturing'), (2, 'captured', 'captured'))
    as h(version, event, state);
insert into authorizations (id, payment_id, attempt, state, acquirer, approved_amount, approval_code, created_at, updated_at)
select attempt, payment, 1, 'approved', 'sandbox', amount, 'A' || n, at, at from made;
insert into ledger_postings (id, cause, cause_id, kind, merchant_id, live, currency, at)
select posting, 'payment', payment, 'capture', '{merchant}', false, 'USD', at from made;
insert into ledger_entries (posting_id, account, merchant_id, live, amount)
select posting, e.account, '{merchant}', false, e.amount
from (select posting, amount, round(amount * 0.03, 2) as fee from made) m,
     lateral (values ('acquirer_receivable', amount), ('merchant_balance', fee - amount), ('fee_revenue', -fee))
         as e(account, amount);
insert into account_days as d (account, merchant_id, live, currency, day, debits, credits, entries)
select e.account, ledger_account_owner(e.account, e.merchant_id), false, 'USD', (m.at at time zone 'UTC')::date,
       coalesce(sum(e.amount) filter (where e.amount > 0), 0), coalesce(-sum(e.amount) filter (where e.amount < 0), 0),
       count(*)
from made m join ledger_entries e on e.posting_id = m.posting
group by 1, 2, 3, 4, 5
on conflict (account, merchant_id, live, currency, day, win) do update
set debits = d.debits + excluded.debits, credits = d.credits + excluded.credits, entries = d.entries + excluded.entries;
insert into events (id, merchant_id, live, type, subject, subject_id, data, data_version, created_at)
select event, '{merchant}', false, 'payment.succeeded', 'payment', payment, jsonb_build_object(
           'state', 'captured', 'failure', null, 'method', 'card', 'description', 'Order #' || n, 'metadata', '{}'::jsonb,
           'customer', null, 'card', '{"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030}'::jsonb,
           'money', jsonb_build_object('amount', amount::text, 'currency', 'USD'), 'intent_id', null, 'checkout', null,
           'refunded', '0', 'created_at', floor(extract(epoch from at)), 'updated_at', floor(extract(epoch from at))),
       1, at
from made;
insert into deliveries (id, event_id, endpoint_id, state, attempts, updated_at)
select delivery, event, '{endpoint}', 'delivered', 1, at from made;
insert into delivery_attempts (delivery_id, attempt, status, duration_ms, at)
select delivery, 1, 200, 3, at from made;
