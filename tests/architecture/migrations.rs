//! The migrations keep to their rules; `CONTRIBUTING.md` says how to write one.

use std::collections::HashSet;
use std::fs;

use anyhow::{Context, Result};

use crate::migration_rules::{Schema, faults};
use crate::root;
use crate::statements::tokens;

/// The last migration that ran on empty tables.
const FIRST_RELEASE: u32 = 12;

/// The words of the statements of the version before.
fn used() -> Result<HashSet<String>> {
    let text = fs::read_to_string(root().join("tests/previous/statements.json"))?;
    let recorded: Vec<serde_json::Value> = serde_json::from_str(&text)?;
    let queries = recorded.iter().filter_map(|one| one.get("query")?.as_str());
    let words = queries
        .flat_map(tokens)
        .map(|token| token.text().to_owned());
    Ok(words.collect())
}

/// Faults that are accepted, and why.
const ACCEPTED: [(&str, &str); 1] = [(
    // Entries that are written between a fill and the trigger would be in no sum. The table is locked for
    // about a second for each million entries, once.
    "0013_account_days.sql",
    "fill the table in a file of its own: ledger_entries stays locked meanwhile",
)];

#[test]
fn no_migration_disturbs_a_running_gateway() -> Result<()> {
    let mut files: Vec<_> = fs::read_dir(root().join("migrations"))?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::path);
    let mut schema = Schema::new(used()?);
    let mut found = Vec::new();
    for file in files {
        let name = file.file_name().into_string().unwrap_or_default();
        let number: u32 = name
            .split('_')
            .next()
            .unwrap_or_default()
            .parse()
            .context("no number")?;
        let mut faults = faults(&fs::read_to_string(file.path())?, &mut schema);
        faults.retain(|fault| !ACCEPTED.contains(&(&*name, fault)));
        if number > FIRST_RELEASE {
            found.extend(faults.into_iter().map(|fault| format!("{name}: {fault}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

/// Files that disturb nobody.
const GOOD: [&str; 22] = [
    "-- no-transaction\ncreate index concurrently if not exists a on payments (amount);",
    "-- no-transaction\n-- why\ncreate unique index concurrently if not exists a on payments (lower(note))",
    "-- no-transaction\ndrop index concurrently if exists a",
    "create table t (id uuid primary key, a text not null default f()); create index on t (a);
     alter table t alter column a type uuid, add check (a <> ''); update t set a = '1'; drop table t;",
    "create unlogged table if not exists t (id uuid); insert into t select id from payments;",
    "alter table payments add column note text;",
    "alter table payments add note text default '' not null, add column at timestamptz default now();",
    "alter table payments add column if not exists n numeric(78, 0) default 0;",
    "alter table payments add column \"by\" uuid references merchants (id);",
    "alter table only payments add constraint c check (length(note) < 9) not valid;",
    "alter table payments validate constraint c;",
    "alter table payments add constraint n check (note is not null) not valid;",
    "alter table payments validate constraint n;",
    "alter table payments alter column note set not null;",
    "alter table payments add constraint u unique using index a, drop constraint c;",
    "alter table payments set (fillfactor = 70), alter column note set default '';",
    "alter table payments drop column never_used; drop table if exists never_used_table;",
    "alter domain payment_state drop constraint k; alter domain payment_state add constraint k check (value > '') not valid;",
    "update merchants set name = 'x'; delete from rates;",
    "create function f() returns trigger language plpgsql as $$ begin update payments set note = 1; end $$;
     create trigger t after insert on payments for each row execute function f();",
    "-- lock table payments; create index on payments (a)\n/* drop table payments */ select 'update payments;';",
    "do $$ begin if true then grant select on payments to x; end if; end $$;",
];

/// Files that disturb somebody, and a part of what is said about them.
const BAD: [(&str, &str); 35] = [
    ("create index on payments (a)", "without concurrently"),
    (
        "create unique index a on only \"payments\" (a)",
        "without concurrently",
    ),
    (
        "create index concurrently if not exists a on payments (a)",
        "-- no-transaction",
    ),
    (
        "-- no-transaction\ncreate index concurrently a on payments (a)",
        "without if not exists",
    ),
    (
        "-- no-transaction\ndrop index concurrently a",
        "without if exists",
    ),
    ("-- no-transaction\nselect 1; select 2", "one statement"),
    (
        "-- no-transaction\nalter table payments add column a text",
        "only indexes",
    ),
    (
        "alter table payments add constraint c check (a > 0)",
        "not valid",
    ),
    (
        "alter table payments add constraint c foreign key (a) references merchants",
        "not valid",
    ),
    (
        "alter table payments add column b text, add constraint c check (a > 0)",
        "not valid",
    ),
    (
        "alter table payments add check (a > 0) not valid",
        "has a name",
    ),
    (
        "alter table payments add constraint c unique (a)",
        "created concurrently",
    ),
    (
        "alter table payments add constraint c exclude (a with =)",
        "exclusion",
    ),
    (
        "alter table payments add constraint c check (a > 0) not valid; alter table payments validate constraint c",
        "in a file of its own",
    ),
    (
        "create trigger t after insert on events for each row execute function f();
      alter table payments validate constraint c",
        "events stays locked",
    ),
    (
        "create trigger t after insert on events for each row execute function f();
      insert into t select id from payments",
        "fill the table",
    ),
    (
        "alter table payments alter column a type text",
        "another type",
    ),
    (
        "alter table payments alter a set data type text",
        "another type",
    ),
    (
        "alter table payments alter column unchecked set not null",
        "set not null",
    ),
    ("alter table payments drop column amount", "uses amount"),
    ("drop table if exists payments", "uses payments"),
    ("drop function claim_jobs(text)", "uses claim_jobs"),
    (
        "alter table payments rename column amount to total",
        "new name",
    ),
    ("alter table payments rename to charges", "new name"),
    (
        "alter function claim_jobs(text) rename to claim",
        "new name",
    ),
    (
        "alter table payments add column a uuid default gen_random_uuid()",
        "row to row",
    ),
    ("alter table payments add column a bigserial", "computed"),
    (
        "alter table payments add column a text not null",
        "inserts rows without",
    ),
    (
        "alter table payments add column a payment_state",
        "type with rules",
    ),
    (
        "alter table payments add column a text check (a > '')",
        "of its own",
    ),
    (
        "alter domain payment_state add constraint k check (value > '')",
        "without not valid",
    ),
    ("set local lock_timeout = '5s'", "waited for"),
    ("lock table payments in share mode", "lock table"),
    (
        "do $$ begin for i in 1..9 loop update payments set a = i; end loop; execute 'lock payments'; end $$",
        "not changed in one transaction",
    ),
    (
        "delete from only jobs where true",
        "not changed in one transaction",
    ),
];

/// The schema before an example.
fn schema() -> Schema {
    let used = ["amount", "payments", "claim_jobs"].map(str::to_owned);
    let mut schema = Schema::new(used.into());
    let domain = faults("create domain payment_state as text", &mut schema);
    assert!(domain.is_empty());
    schema
}

#[test]
fn what_disturbs_nobody_is_accepted() {
    // In order: later files may rely on earlier ones.
    let mut schema = schema();
    for sql in GOOD {
        assert_eq!(faults(sql, &mut schema), Vec::<String>::new(), "{sql}");
    }
}

#[test]
fn what_disturbs_somebody_is_refused() {
    for (sql, expected) in BAD {
        let found = faults(sql, &mut schema());
        assert!(
            found.iter().any(|fault| fault.contains(expected)),
            "{sql}: {found:?}"
        );
    }
}
