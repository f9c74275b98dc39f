-- Payments that requests wait for are read for several merchants in one statement, which names the
-- merchant and mode of each: who may only run this function reads nothing by an id alone. In plpgsql,
-- because it keeps its plan from call to call.

create function payments_by_ids(ids uuid[], merchants uuid[], lives boolean[])
returns table (
    id uuid, merchant_id uuid, live boolean, state text, failure text, amount numeric, currency text,
    description text, metadata jsonb, customer_id uuid, customer_email text, customer_name text,
    customer_phone text, card_brand text, card_last4 text, card_exp_month smallint,
    card_exp_year smallint, intent_id uuid, checkout jsonb, refunded numeric, created_at timestamptz,
    updated_at timestamptz)
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
    return query
        select p.id, p.merchant_id, p.live, p.state, p.failure, p.amount, p.currency, p.description,
               p.metadata, p.customer_id, c.email, c.name, c.phone, p.card_brand, p.card_last4,
               p.card_exp_month, p.card_exp_year, p.intent_id, p.checkout, p.refunded, p.created_at,
               p.updated_at
        from unnest(ids, merchants, lives) as i(id, merchant_id, live)
        join payments p on p.id = i.id and p.merchant_id = i.merchant_id and p.live = i.live
        left join customers c on c.id = p.customer_id;
end $$;

revoke execute on function payments_by_ids from public;
grant execute on function payments_by_ids to sluice_accept;

-- So the accept role reads no more than what its inserts return and meet.
revoke select on payments, customers from sluice_accept;
revoke select (id, merchant_id, live, state, failure, amount, currency, description, metadata,
               customer_id, card_brand, card_last4, card_exp_month, card_exp_year, intent_id, checkout,
               refunded, created_at, updated_at) on payments from sluice_accept;
revoke select (id, merchant_id, live, email, name, phone, created_at) on customers from sluice_accept;
grant select (id, customer_id, created_at) on payments to sluice_accept;
grant select (id, merchant_id, live, email, created_at) on customers to sluice_accept;
