-- no-transaction
-- Counts parked jobs without reading the others.
create index concurrently if not exists jobs_parked on jobs (worker) where parked_at is not null;
