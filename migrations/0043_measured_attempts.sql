-- The age of attempts that still need the card worker although their payment has ended.
grant select (payment_id, state, updated_at) on authorizations to sluice_scheduler;

create policy authorizations_of_all_merchants_measured on authorizations for select to sluice_scheduler using (true);
