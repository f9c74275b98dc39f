-- no-transaction
-- webhook_endpoints_of_merchant replaces it.
drop index concurrently if exists webhook_endpoints_by_merchant;
