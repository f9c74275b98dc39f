-- In a transaction of its own: the check reads the tables without blocking writes to them.

alter table merchants validate constraint merchants_disabled_with_reason;
alter table api_clients validate constraint api_clients_previous_secret_ends;
