-- A refund that failed is told as a kind of its own, for which not every surface has a word. Endpoints
-- that asked for all outcomes of refunds on paygate, which has one word for them, asked for it too.
update webhook_endpoints
set kinds = kinds || 'refund.failed'::text
where surface = 'paygate' and 'refund.settled' = any(kinds);
