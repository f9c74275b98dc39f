-- Units of a currency per US dollar, from `as_of` on. Rates never change: a payment is shown with the
-- rates at its creation.
create table rates (
    currency text not null constraint rates_currency_code check (currency ~ '^[A-Z]{3}$'),
    as_of    timestamptz not null default now(),
    per_usd  numeric not null constraint rates_range check
        (per_usd > 0 and per_usd < 1000000000 and scale(per_usd) <= 12),
    primary key (currency, as_of)
);

create trigger rates_immutable before update on rates
    for each row execute function refuse_change();

insert into rates (currency, as_of, per_usd) values ('USD', '1970-01-01 00:00:00+00', 1);
