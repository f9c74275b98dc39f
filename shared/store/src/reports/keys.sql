-- The idempotency keys that were taken in a range of time: what the request created or acted on exists.
select 'key_subject' as "rule!", 'key of' as "kind!", k.subject_id as "id!",
       'an object of merchant ' || k.merchant_id as "expected", 'none' as "found"
from idempotency_keys k
where k.created_at > $1 and k.created_at <= $2
  and not exists (select from payments o where o.id = k.subject_id and o.merchant_id = k.merchant_id and o.live = k.live)
  and not exists (select from refunds o where o.id = k.subject_id and o.merchant_id = k.merchant_id and o.live = k.live)
  and not exists (select from customers o where o.id = k.subject_id and o.merchant_id = k.merchant_id and o.live = k.live)
  and not exists (select from intents o where o.id = k.subject_id and o.merchant_id = k.merchant_id and o.live = k.live)
  and not exists (select from webhook_endpoints o
                  where o.id = k.subject_id and o.merchant_id = k.merchant_id and o.live = k.live)
