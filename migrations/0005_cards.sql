-- Sealed cards, and the attempts to authorize payments.

-- Public keys; the private keys are files of the card worker. A key is deleted when no card is sealed to
-- it any more; the foreign key below prevents an earlier deletion. Then the private key is destroyed, so
-- that copies of sealed cards in the write-ahead log and in backups cannot be opened.
create table sealing_keys (
    id         uuid primary key,
    public_key bytea not null constraint sealing_keys_length check (length(public_key) = 32),
    created_at timestamptz not null default now()
);

-- Card number and security code, sealed by the API to the card worker (HPKE). Deleted when the outcome is
-- recorded (PCI DSS 3.3.2), and after a day whatever happens.
create table sealed_cards (
    payment_id uuid primary key references payments,
    key_id     uuid not null constraint sealed_cards_key_exists references sealing_keys,
    sealed     bytea not null,
    created_at timestamptz not null default now()
);

create index sealed_cards_by_age on sealed_cards (created_at);

create domain authorization_state as text constraint authorization_state_known check
    (value in ('sending', 'enquiring', 'reversing', 'approved', 'declined', 'watching', 'reversed', 'voiding',
               'voided', 'refunding', 'refunded'));
create domain approval_code as text constraint approval_code_length check (length(value) <= 64);

create table authorizations (
    -- With its prefix, the reference at the acquirer.
    id         uuid primary key,
    payment_id uuid not null references payments,
    attempt    smallint not null,
    state      authorization_state not null,
    -- The acquirer's name in the workers' registry. Later calls about this attempt go to the same acquirer.
    acquirer   text not null,
    -- The approval's details, if the acquirer provides them.
    approved_amount money_amount,
    approval_code approval_code,
    -- When the acquirer first answered that it does not know the reference, in the present state.
    not_found_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint authorizations_attempt_unique unique (payment_id, attempt)
) with (fillfactor = 85);

-- At most one attempt of a payment that may come to hold the payer's money.
create unique index authorizations_one_open on authorizations (payment_id)
    where state in ('sending', 'enquiring', 'reversing', 'approved');
