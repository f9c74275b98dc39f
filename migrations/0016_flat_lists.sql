-- A list of payments in some states costs the same wherever they stand among the others.
create index payments_by_state on payments (merchant_id, live, state, id desc) where intent_id is null;
