-- Small tables whose rows change with every payment: sums of the ledger by day, and what the rules against card
-- testing count. Vacuumed often and without pauses; new versions of a row find room on its page.
alter table account_days set (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000,
                              autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off, fillfactor = 50);
alter table card_declines set (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000,
                               autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
alter table merchant_attempts set (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000,
                                   autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
alter table address_attempts set (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000,
                                  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
