-- Runs each function of the database for one row, so that the plans of its statements are logged.
begin;
select * from claim_jobs('card', array['00000000-0000-7000-8000-000000000003']::uuid[], array[1]::bigint[],
                         array['00000000-0000-7000-8000-000000000003']::uuid[], 1, 20);
select * from payments_by_ids(array['00000000-0000-7000-8000-000000000003']::uuid[],
                              array['00000000-0000-4000-8000-000000000003']::uuid[], array[false]);
select * from upsert_customers('[{
    "ord": 0, "id": "00000000-0000-7000-8000-00000000000a", "event_id": "00000000-0000-7000-8000-00000000000a",
    "merchant_id": "00000000-0000-4000-8000-000000000000", "live": false,
    "email": "customer-2@example.com", "idem_key": "a", "idem_fingerprint": "00"}]');
select * from accept_customers('[{
    "ord": 0, "customer_id": "00000000-0000-7000-8000-0000000f000a", "live": false,
    "merchant_id": "00000000-0000-4000-8000-000000000000", "customer_email": "customer-2@example.com"}]',
    array[0]);
select * from accept_keys('[{
    "ord": 0, "payment_id": "00000000-0000-7000-8000-00000000000a", "live": false,
    "merchant_id": "00000000-0000-4000-8000-000000000000", "idem_key": "b",
    "idem_fingerprint": "0000000000000000000000000000000000000000000000000000000000000000"}]', array[0]);
select * from record_effects('[{
    "history": [{"payment_id": "00000000-0000-7000-8000-00000000000a", "version": 7, "event": "failed",
                 "state": "failed"}],
    "postings": [{
        "id": "00000000-0000-7000-8000-0000000f000a", "cause": "payment",
        "cause_id": "00000000-0000-7000-8000-0000000f000a", "kind": "capture", "live": false,
        "merchant_id": "00000000-0000-4000-8000-000000000000", "currency": "USD",
        "entries": [{"account": "acquirer_receivable", "amount": 1},
                    {"account": "merchant_balance", "amount": -1}]}],
    "event": {
        "id": "00000000-0000-7000-8000-0000000f000a", "live": false, "type": "payment.succeeded",
        "merchant_id": "00000000-0000-4000-8000-000000000000", "subject": "payment",
        "subject_id": "00000000-0000-7000-8000-0000000f000a", "data": {}, "data_version": 1},
    "jobs": [{"worker": "card", "id": "00000000-0000-7000-8000-0000000f000a", "live": false, "due_in": 1,
              "merchant_id": "00000000-0000-4000-8000-000000000000"}],
    "wake": [{"worker": "card", "id": "00000000-0000-7000-8000-0000000f000a", "live": false,
              "merchant_id": "00000000-0000-4000-8000-000000000000"}],
    "lease": {"id": "00000000-0000-7000-8000-0000000f000a", "lease": "00000000-0000-7000-8000-0000000f000a",
              "extend_by": null}}, {
    "lease": {"id": "00000000-0000-7000-8000-0000000f000b", "lease": "00000000-0000-7000-8000-0000000f000a",
              "extend_by": 5}}]');
select * from principal_by_key('x'), principal_by_token('x'), merchant_profile(null), public_intents_of(null);
select public_cards_blocked_for(sha256('1'), '00000000-0000-4000-8000-000000000000', false, 'merchant', 3600, 900);
rollback;
