//! What a migration may not do. It runs while the version before serves payments: it does not block a table
//! that grows, rewrite it, or take away what that version uses.

use std::collections::HashSet;

use crate::statements::{Token, after, has, name, parts, statements, tokens};

/// Tables that grow with every payment.
const GROWING: [&str; 15] = [
    "access_tokens",
    "authorizations",
    "customers",
    "deliveries",
    "delivery_attempts",
    "events",
    "idempotency_keys",
    "intents",
    "jobs",
    "ledger_entries",
    "ledger_postings",
    "payment_history",
    "payments",
    "refunds",
    "sealed_cards",
];

/// What may follow the default of a column.
const AFTER_DEFAULT: [&str; 7] = [
    "check",
    "constraint",
    "not",
    "null",
    "primary",
    "references",
    "unique",
];

/// What the migrations before a file have made, and what is used of it.
#[derive(Debug, Default)]
pub struct Schema {
    /// Types whose rules are checked for every row when a column of them is added.
    domains: HashSet<String>,
    /// Columns that a validated constraint keeps from being null, with their tables.
    not_null: HashSet<(String, String)>,
    /// The same for constraints that are not validated, with the names of these.
    not_null_unchecked: Vec<(String, String, String)>,
    /// The words of the statements of the version before.
    used: HashSet<String>,
}

impl Schema {
    /// Nothing but what the version before uses, by the words of its statements.
    pub fn new(used: HashSet<String>) -> Self {
        Self {
            used,
            ..Self::default()
        }
    }
}

/// The check of one file.
struct Check<'a> {
    schema: &'a mut Schema,
    is_alone: bool,
    /// What this file has created: nobody uses it yet.
    created: HashSet<String>,
    /// The existing table that this file's transaction has locked against writing.
    locked: Option<String>,
    faults: Vec<String>,
}

/// What is wrong with a file.
pub fn faults(sql: &str, schema: &mut Schema) -> Vec<String> {
    let mut check = Check {
        schema,
        is_alone: sql.starts_with("-- no-transaction"),
        created: HashSet::new(),
        locked: None,
        faults: Vec::new(),
    };
    let statements = statements(sql);
    if check.is_alone && statements.len() != 1 {
        check.fault("a file without a transaction has one statement, so that it can be repeated");
    }
    for statement in &statements {
        check.statement(statement);
    }
    check.faults
}

impl Check<'_> {
    fn fault(&mut self, fault: &str) {
        self.faults.push(fault.to_owned());
    }

    /// Whether other sessions may use a table.
    fn is_shared(&self, table: &str) -> bool {
        !self.created.contains(table)
    }

    fn lock(&mut self, table: &str) {
        if self.is_shared(table) {
            self.locked.get_or_insert_with(|| table.to_owned());
        }
    }

    fn statement(&mut self, statement: &[Token]) {
        let all: Vec<&str> = statement.iter().map(Token::text).collect();
        let words: Vec<&str> = all
            .iter()
            .copied()
            .filter(|word| !word.is_empty())
            .collect();
        if self.is_alone && !has(&words, &["index", "concurrently"]) {
            self.fault("only indexes are created and dropped without a transaction");
        }
        match words.as_slice() {
            ["create", "table", rest @ ..] | ["create", "unlogged", "table", rest @ ..] => {
                self.created.insert(name(rest).to_owned());
            }
            ["create", "domain", domain, ..] => {
                self.schema.domains.insert((*domain).to_owned());
            }
            ["create", "index", rest @ ..] | ["create", "unique", "index", rest @ ..] => {
                self.index(rest);
            }
            ["drop", "index", rest @ ..] if self.is_alone && !has(rest, &["if", "exists"]) => {
                self.fault("drop index concurrently without if exists cannot be repeated");
            }
            ["create", "trigger" | "policy", ..]
            | ["create", "or", "replace", "trigger", ..]
            | ["create", "constraint", "trigger", ..] => {
                self.lock(after(&words, "on"));
            }
            ["alter", "table", rest @ ..] => self.alter_table(rest),
            ["alter", "domain", _, rest @ ..] => self.alter_domain(rest),
            ["alter", _, .., "rename", "to", _] => {
                self.fault("a new name is unknown to the version before");
            }
            ["set", rest @ ..] if rest.contains(&"lock_timeout") => {
                self.fault("sluice migrate sets how long a lock is waited for");
            }
            ["lock", ..] => self.fault("lock table blocks everybody"),
            ["truncate" | "cluster" | "vacuum" | "reindex", ..] => {
                self.fault("truncate, cluster, vacuum and reindex lock whole tables");
            }
            ["update", rest @ ..] | ["delete", "from", rest @ ..] => {
                let table = name(rest);
                if self.is_shared(table) && GROWING.contains(&table) {
                    self.fault("a whole table is not changed in one transaction: let a process do it in batches");
                }
            }
            [
                "drop",
                "table" | "view" | "type" | "domain" | "function" | "sequence",
                rest @ ..,
            ] => {
                self.drop(name(rest));
            }
            ["insert", "into", ..] => self.long_read(&words),
            ["do", ..] => self.block(statement),
            _ => {}
        }
    }

    fn index(&mut self, rest: &[&str]) {
        let table = after(rest, "on");
        let is_concurrent = rest.first() == Some(&"concurrently");
        if is_concurrent && !self.is_alone {
            self.fault("create index concurrently needs a file that starts with -- no-transaction");
        }
        if is_concurrent && !has(rest, &["if", "not", "exists"]) {
            self.fault("create index concurrently without if not exists cannot be repeated");
        }
        if !is_concurrent
            && self.is_shared(if table == "only" {
                after(rest, "only")
            } else {
                table
            })
        {
            self.fault("create index without concurrently blocks writes");
        }
    }

    fn alter_table(&mut self, rest: &[&str]) {
        let table = name(rest);
        let start = rest
            .iter()
            .position(|word| *word == table)
            .map_or(0, |at| at + 1);
        if !self.is_shared(table) {
            return;
        }
        for action in parts(rest.get(start..).unwrap_or_default()) {
            self.action(table, &action);
        }
    }

    fn action(&mut self, table: &str, action: &[&str]) {
        match action {
            ["validate", "constraint", constraint] => {
                if let Some(locked) = self.locked.clone() {
                    self.fault(&format!(
                        "validate in a file of its own: {locked} stays locked meanwhile"
                    ));
                }
                let unchecked = self.schema.not_null_unchecked.clone();
                let checked = unchecked
                    .into_iter()
                    .filter(|(of, name, _)| of == table && name == constraint);
                self.schema
                    .not_null
                    .extend(checked.map(|(table, _, column)| (table, column)));
                return;
            }
            ["set" | "reset", "(", ..] => return,
            ["rename", ..] => self.fault("a new name is unknown to the version before"),
            ["add", "constraint", constraint, rule @ ..] => {
                self.constraint(table, constraint, rule);
            }
            [
                "add",
                "check" | "foreign" | "unique" | "primary" | "exclude",
                ..,
            ] => {
                self.fault("a constraint has a name");
            }
            ["add", "column", column @ ..] | ["add", column @ ..] => self.column(column),
            ["alter", "column", column, change @ ..] | ["alter", column, change @ ..] => {
                self.change(table, column, change);
            }
            ["drop", "constraint", ..] => {}
            ["drop", "column", column @ ..] | ["drop", column @ ..] => self.drop(name(column)),
            [
                "set",
                "schema" | "tablespace" | "logged" | "unlogged" | "access",
                ..,
            ] => {
                self.fault("this copies the whole table, or hides it");
            }
            _ => {}
        }
        self.lock(table);
    }

    fn constraint(&mut self, table: &str, constraint: &str, rule: &[&str]) {
        let is_checked_later = rule.ends_with(&["not", "valid"]);
        match rule {
            [
                "check",
                "(",
                column,
                "is",
                "not",
                "null",
                ")",
                "not",
                "valid",
            ] => {
                let unchecked = (
                    table.to_owned(),
                    constraint.to_owned(),
                    (*column).to_owned(),
                );
                self.schema.not_null_unchecked.push(unchecked);
            }
            ["check" | "foreign", ..] if !is_checked_later => {
                self.fault("add constraint without not valid reads the whole table under a lock");
            }
            ["unique" | "primary", ..] if !has(rule, &["using", "index"]) => {
                self.fault("a unique constraint uses an index that was created concurrently");
            }
            ["exclude", ..] => self.fault("an exclusion constraint builds its index under a lock"),
            _ => {}
        }
    }

    fn column(&mut self, column: &[&str]) {
        let start = column
            .iter()
            .position(|word| *word == name(column))
            .map_or(0, |at| at + 1);
        let rest = column.get(start..).unwrap_or_default();
        let default = rest
            .iter()
            .copied()
            .skip_while(|word| *word != "default")
            .skip(1);
        let default: Vec<&str> = default
            .take_while(|word| !AFTER_DEFAULT.contains(word))
            .collect();
        let calls = default.windows(2).filter(|pair| pair.last() == Some(&"("));
        if calls
            .filter_map(|pair| pair.first())
            .any(|function| *function != "now")
        {
            self.fault("a default that differs from row to row rewrites the table");
        }
        let of_type = rest.first().copied().unwrap_or_default();
        if of_type.ends_with("serial") || rest.contains(&"generated") {
            self.fault("a computed column rewrites the table");
        }
        if self.schema.domains.contains(of_type) {
            self.fault("a column of a type with rules rewrites the table: add a constraint that is not valid");
        }
        if ["check", "unique", "primary"]
            .iter()
            .any(|rule| rest.contains(rule))
        {
            self.fault("add the constraint in a statement of its own");
        }
        if has(rest, &["not", "null"]) && default.is_empty() {
            self.fault("the version before inserts rows without the new column");
        }
    }

    fn change(&mut self, table: &str, column: &str, change: &[&str]) {
        match change {
            ["type", ..] | ["set", "data", ..] => self.fault("another type rewrites the table"),
            ["set", "not", "null"] => {
                let column = (table.to_owned(), column.to_owned());
                if !self.schema.not_null.contains(&column) {
                    self.fault("set not null reads the whole table, unless a check (… is not null) was validated");
                }
            }
            _ => {}
        }
    }

    fn alter_domain(&mut self, change: &[&str]) {
        match change {
            ["add", ..] if !change.ends_with(&["not", "valid"]) => {
                self.fault("a type's new rule without not valid reads all tables that use it");
            }
            ["validate", ..] => {
                self.fault("validating a type's rule blocks all tables that use it");
            }
            _ => {}
        }
    }

    fn drop(&mut self, dropped: &str) {
        if self.schema.used.contains(dropped) {
            self.fault(&format!("the version before uses {dropped}"));
        }
    }

    /// A statement that reads a whole table must not follow one that locks a table.
    fn long_read(&mut self, words: &[&str]) {
        let reads = words.windows(2).any(|pair| {
            matches!(pair, ["from" | "join", table] if GROWING.contains(table) && self.is_shared(table))
        });
        if let (true, Some(locked)) = (reads, self.locked.clone()) {
            self.fault(&format!(
                "fill the table in a file of its own: {locked} stays locked meanwhile"
            ));
        }
    }

    /// The statements of an anonymous block, and those in its strings, which it may execute.
    fn block(&mut self, statement: &[Token]) {
        let bodies = statement.iter().filter_map(|token| match token {
            Token::Text(body) => Some(tokens(body)),
            _ => None,
        });
        for body in bodies {
            let is_end = |token: &Token| {
                *token == Token::Mark(';')
                    || ["begin", "then", "else", "loop", "declare"].contains(&token.text())
            };
            for statement in body.split(is_end) {
                self.statement(statement);
                for token in statement {
                    if let Token::Text(text) = token {
                        for executed in statements(text) {
                            self.statement(&executed);
                        }
                    }
                }
            }
        }
    }
}
