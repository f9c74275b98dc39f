-- When tables are vacuumed. By default a fifth of a table is dead first, and the vacuum then pauses every few
-- pages: too late for tables of many million rows, and too slow for small ones whose rows live for a second.

-- Small tables with many changes. Their vacuum takes no pauses. It does not shorten the file, which would lock
-- the table, and which the next rows need again.
alter table jobs set (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000,
                      autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
alter table rate_windows set (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000,
                              autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);

-- Large tables whose rows change a few times or are deleted after a time.
alter table payments set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
alter table authorizations set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
alter table deliveries set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02,
                            vacuum_truncate = off);
alter table delivery_attempts set (autovacuum_vacuum_scale_factor = 0.02, vacuum_truncate = off);
alter table events set (autovacuum_vacuum_scale_factor = 0.02, vacuum_truncate = off);
-- Room for the response, which is stored a moment after the key: the update then touches no index.
alter table idempotency_keys set (autovacuum_vacuum_scale_factor = 0.02, vacuum_truncate = off, fillfactor = 70);

-- Rows that are only inserted: frozen a few at a time, and not all at once after 200 million transactions.
alter table ledger_postings set (autovacuum_vacuum_insert_scale_factor = 0.02);
alter table ledger_entries set (autovacuum_vacuum_insert_scale_factor = 0.02);
alter table payment_history set (autovacuum_vacuum_insert_scale_factor = 0.02);
