-- 200,000 rows in each table that grows, of 2,000 merchants of which one has half of them, without triggers.
set session_replication_role = replica;
set synchronous_commit = off;
create temporary table made as
select n, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id,
       ('00000000-0000-4000-8000-' || lpad(to_hex(case when n % 2 = 0 then 0 else n % 4000 end), 12, '0'))::uuid
           as merchant_id,
       now() - n * interval '20 seconds' as at
from generate_series(1, 200000) n;
insert into merchants (id, name, fee_basis_points)
select distinct merchant_id, 'plans', 290 from made;
insert into customers (id, merchant_id, live, email, created_at)
select id, merchant_id, false, 'customer-' || n || '@example.com', at from made;
insert into intents (id, merchant_id, live, amount, currency, exponent, kind, settlement_method,
                     delivery_period_seconds, auto_release, created_at)
select id, merchant_id, false, 10, 'USD', 2, 'conditional', 'off_ramp_mock', 60, false, at from made;
insert into payments (id, merchant_id, live, state, failure, amount, currency, exponent, method, customer_id, intent_id,
                      checkout, expires_at, created_at, updated_at)
select id, merchant_id, false,
       case when n % 100 = 0 then 'authorizing' when n % 10 = 0 then 'failed' else 'captured' end,
       case when n % 100 <> 0 and n % 10 = 0 then 'card_declined' end, 10, 'USD', 2, 'card', id, case when n % 3 = 0 then id end, null, at + interval '1 hour', at, at from made;
insert into payment_history (payment_id, version, event, state, at)
select id, 1, 'created', 'authorizing', at from made;
insert into authorizations (id, payment_id, attempt, state, acquirer, created_at)
select id, id, 1, case when n % 10 = 0 then 'declined' else 'approved' end, 'sandbox', at from made;
insert into sealed_cards (payment_id, key_id, sealed, created_at)
select id, id, 'x', at from made;
insert into refunds (id, payment_id, intent_id, merchant_id, live, state, amount, created_at)
select id, id, case when n % 3 = 0 then id end, merchant_id, false, 'refunded', 1, at from made;
insert into ledger_postings (id, cause, cause_id, kind, merchant_id, live, currency, at)
select id, case when n % 10 = 0 then 'refund' else 'payment' end, id,
       case when n % 10 = 0 then 'refund' else 'capture' end, merchant_id, false, 'USD', at from made;
insert into ledger_entries (posting_id, account, merchant_id, live, amount)
select id, account, merchant_id, false, amount from made,
       (values ('acquirer_receivable', 10), ('merchant_balance', -10)) a(account, amount);
insert into account_days (account, merchant_id, live, currency, day)
select 'merchant_balance', merchant_id, false, 'USD', date '2020-01-01' + n from made;
insert into idempotency_keys (merchant_id, live, key, fingerprint, subject_id, created_at)
select merchant_id, false, 'order-' || n, 'x', id, at from made;
insert into webhook_endpoints (id, merchant_id, live, surface, url, events, event_types, status)
select id, merchant_id, false, 'paygate', 'https://example.com/', '{*}', '{payment.succeeded}',
       case when n % 100 = 0 then 'active' else 'deleted' end from made;
insert into events (id, merchant_id, live, type, subject, subject_id, data, data_version, created_at)
select id, merchant_id, false, 'payment.succeeded', 'payment', id, '{}', 1, at from made;
insert into deliveries (id, event_id, endpoint_id, state, updated_at)
select id, id, id, case when n % 100 = 0 then 'delivering' else 'delivered' end, at from made;
insert into delivery_attempts (delivery_id, attempt, status, duration_ms, at)
select id, 1, 200, 5, at from made;
insert into jobs (worker, id, owner_id, merchant_id, live, due_at, parked_at)
select (array['card', 'refund', 'webhook'])[1 + n % 3], id, id, merchant_id, false, at,
       case when n % 100 = 0 then at end from made;
insert into access_tokens (hash, client_id, expires_at)
select sha256(n::text::bytea), 'client', at from made;
insert into card_declines (fingerprint, live, hour, merchant_id, declines)
select sha256((n % 5000)::text::bytea), false, at, merchant_id, 1 from made;
insert into merchant_attempts (merchant_id, live, minute, tries, declines)
select merchant_id, false, at, 1, 1 from made;
insert into address_attempts (address, live, minute, tries, declines)
select sha256((n % 5000)::text::bytea), false, at, 1, 1 from made;
insert into risk_verdicts (rule, merchant_id, live, payment_id, declines, at)
select 'card', merchant_id, false, id, 10, at from made where n % 2 = 1;
insert into risk_verdicts (rule, merchant_id, live, address, tries, declines, at)
select 'address_tries', merchant_id, false, sha256((n % 5000)::text::bytea), 31, 0, at from made where n % 2 = 0;
analyze;
