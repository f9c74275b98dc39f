//! A merchant's objects in one mode, with all spellings of their ids, and what the merchant itself reads.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use domain::id::render;
use domain::merchant::Mode;
use futures::StreamExt;
use futures::stream::iter;
use reqwest::Method;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use store::merchants::Credentials;
use tests::{Gateway, Receiver};
use uuid::Uuid;

use super::fixtures;
use super::operations::Operation;
use super::requests::By;

/// The prefixes of ids by table. Each id may be spelt as a UUID too.
const SPELT: [(&str, &str); 12] = [
    ("payments", "pay"),
    ("payments", "session"),
    ("customers", "cus"),
    ("customers", "cust"),
    ("refunds", "ref"),
    ("intents", "intent"),
    ("webhook_endpoints", "whk"),
    ("events", "evt"),
    ("deliveries", "dlv"),
    ("delivery_attempts", "att"),
    ("authorizations", "auth"),
    ("ledger_postings", "ledger_entry"),
];

/// Texts in their objects that no other merchant may see, behind `their-test-` or `their-live-`.
const MARKS: [&str; 16] = [
    "payer",
    "payer@shop.example",
    "order",
    "order-note",
    "reason",
    "hosted",
    "item",
    "back",
    "customer",
    "customer-words",
    "customer-note",
    "intent",
    "intent-note",
    "account",
    "hook",
    "hook-note",
];

/// The path where outsiders receive their own webhooks.
pub const MINE: &str = "/mine-hook";

/// How many reads are in flight at once.
const AT_ONCE: usize = 16;

/// An id in one spelling, and what stands for it.
pub struct Name {
    word: String,
    id: String,
    /// Whether ids of this table have this prefix.
    is_right: bool,
}

/// A merchant's objects in one mode.
pub struct Theirs {
    merchant: Uuid,
    mode: Mode,
    key: String,
    things: Vec<(String, Uuid)>,
    names: Vec<Name>,
    keys: Vec<String>,
    mine: String,
}

/// What a key reads at a path.
#[derive(Debug, PartialEq, Eq)]
pub struct Read {
    path: String,
    name: Option<String>,
    by: By,
    status: u16,
    text: String,
}

/// The path.
pub struct Names {
    /// Where an object is read, and how, whose names find one.
    found: BTreeMap<(By, String), BTreeSet<String>>,
    all: Vec<String>,
    /// All that are found anywhere.
    pub shown: Vec<String>,
    pub keys: Vec<String>,
}

impl Names {
    /// Names that are found at a path in any of these ways, and the others.
    pub fn at(&self, path: &str, by: &[By]) -> (Vec<String>, Vec<String>) {
        let found = |by: &By| self.found.get(&(*by, path.to_owned()));
        let is_found = |word: &String| by.iter().filter_map(found).any(|all| all.contains(word));
        self.all.iter().cloned().partition(is_found)
    }
}

/// The digits of an id, which are the same with every prefix.
fn digits(id: Uuid) -> String {
    render("", id).trim_start_matches('_').to_owned()
}

/// Every row of every table, as the table's name and JSON; counters of requests belong to no merchant.
async fn rows(gateway: &Gateway) -> Result<Vec<(String, String)>> {
    let tables = "select relname::text from pg_class
                  where relnamespace = 'public'::regnamespace and relkind = 'r'
                    and relname <> 'rate_windows' order by relname";
    let tables: Vec<String> = sqlx::query_scalar(tables)
        .fetch_all(gateway.database())
        .await?;
    let mut all = Vec::new();
    for table in tables {
        let sql = format!("select to_jsonb(t)::text as row from {table} t order by row");
        let rows = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(gateway.database());
        let rows: Vec<String> = rows.await?;
        all.extend(rows.into_iter().map(|row| (table.clone(), row)));
    }
    Ok(all)
}

/// What a key reads: all lists and sums, and the objects with these names.
pub async fn reads(
    gateway: &Gateway,
    operations: &[Operation],
    key: &str,
    names: &[Name],
) -> Result<Vec<Read>> {
    let mut asked = Vec::new();
    for operation in operations.iter().filter(|one| one.method == Method::GET) {
        let right = names.iter().filter(|name| name.is_right);
        let names: Vec<Option<&Name>> = match operation.object() {
            None => vec![None],
            Some(_) => right.map(Some).collect(),
        };
        for name in names {
            asked.extend(operation.by.iter().map(|by| (operation, name, *by)));
        }
    }
    let reads = iter(asked).map(async |(operation, name, by)| {
        let id = name.map_or("", |name| &name.id);
        let mut path = operation.path.replace("{id}", id);
        if operation.parameters.iter().any(|(name, _)| name == "limit") {
            path += "?limit=100";
        }
        let request = by.show(gateway.request(Method::GET, &path), key, None);
        let answer = gateway.send(request).await?;
        Ok(Read {
            path: operation.path.clone(),
            name: name.map(|name| name.word.clone()),
            by,
            status: answer.status,
            text: answer.text,
        })
    });
    let reads: Vec<Result<Read>> = reads.buffered(AT_ONCE).collect().await;
    reads.into_iter().collect()
}

impl Theirs {
    /// Creates them, and collects everything that belongs to them.
    pub async fn make(
        gateway: &Gateway,
        whose: &Credentials,
        mode: Mode,
        receiver: &Receiver,
    ) -> Result<Self> {
        let merchant = whose.merchant_id.0;
        let key = match mode {
            Mode::Test => &whose.test_key,
            Mode::Live => &whose.live_key,
        };
        if mode.is_live() {
            fixtures::live(gateway, merchant).await?;
        } else {
            fixtures::test(gateway, key, receiver, "their-test").await?;
        }
        let mut theirs = Self {
            merchant,
            mode,
            key: key.as_str().to_owned(),
            things: Vec::new(),
            names: Vec::new(),
            keys: Vec::new(),
            mine: receiver.url(MINE),
        };
        // Rows that refer to their objects are theirs too, and rows that refer to those.
        loop {
            let things = theirs.belongings(gateway).await?;
            if things.len() == theirs.things.len() {
                break;
            }
            theirs.things = things;
        }
        theirs.name();
        let keys =
            "select key from idempotency_keys where merchant_id = $1 and live = $2 order by key";
        let keys = sqlx::query_scalar(keys).bind(merchant).bind(mode.is_live());
        theirs.keys = keys.fetch_all(gateway.database()).await?;
        Ok(theirs)
    }

    async fn belongings(&self, gateway: &Gateway) -> Result<Vec<(String, Uuid)>> {
        let mut found = Vec::new();
        for (table, row) in rows(gateway).await? {
            if !SPELT.iter().any(|(of, _)| *of == table) {
                continue;
            }
            let id = serde_json::from_str::<Value>(&row)?["id"].take();
            let id = id.as_str().and_then(|id| Uuid::try_parse(id).ok());
            found.extend(id.filter(|_| self.has(&row)).map(|id| (table, id)));
        }
        Ok(found)
    }

    /// Whether a row is theirs or refers to something of theirs.
    fn has(&self, row: &str) -> bool {
        let owner = format!(r#""merchant_id": "{}""#, self.merchant);
        let mode = format!(r#""live": {}"#, self.mode.is_live());
        let mut ids = self.things.iter().map(|(_, id)| id.to_string());
        row.contains(&owner) && row.contains(&mode) || ids.any(|id| row.contains(&id))
    }

    fn name(&mut self) {
        self.names.clear();
        for (at, (table, id)) in self.things.iter().enumerate() {
            let spelt = SPELT.iter().map(|(of, prefix)| {
                let word = format!("{{{table}.{at}:{prefix}}}");
                (word, render(prefix, *id), of == table)
            });
            let number = (format!("{{{table}.{at}}}"), id.to_string(), true);
            let names = spelt.chain([number]);
            self.names
                .extend(names.map(|(word, id, is_right)| Name { word, id, is_right }));
        }
    }

    /// The same with ids that do not exist.
    pub fn unknown(&self) -> Self {
        let things = self.things.iter();
        let things = things.map(|(table, _)| (table.clone(), store::new_id()));
        let mut unknown = Self {
            merchant: self.merchant,
            mode: self.mode,
            key: self.key.clone(),
            things: things.collect(),
            names: Vec::new(),
            keys: self.keys.clone(),
            mine: self.mine.clone(),
        };
        unknown.name();
        unknown
    }

    /// A text with ids for the names in it.
    pub fn named(&self, text: &str) -> String {
        let known = format!("their-{}-known@shop.example", self.mode.name());
        let mut text = text
            .replace("{known}", &known)
            .replace("{mine}", &self.mine);
        for Name { word, id, .. } in &self.names {
            text = text.replace(word, id);
        }
        for (at, key) in self.keys.iter().enumerate() {
            text = text.replace(&format!("{{key.{at}}}"), key);
        }
        text
    }

    /// Whether a text names any of them.
    pub fn are_named(&self, text: &str) -> bool {
        self.names.iter().any(|name| text.contains(&name.word))
    }

    /// The text with every id replaced by `…`.
    pub fn hidden(&self, text: &str) -> String {
        let hide = |text: String, (_, id): &(String, Uuid)| {
            let text = text.replace(&id.to_string(), "…");
            text.replace(&digits(*id), "…")
        };
        self.things.iter().fold(text.to_owned(), hide)
    }

    /// The first id or mark of theirs in a response. An id that was sent may be repeated.
    pub fn leak(&self, sent: &str, shown: &str) -> Option<String> {
        let ids = self.things.iter().map(|(_, id)| *id);
        let ids = ids.flat_map(|id| [digits(id), id.to_string()]);
        let mut theirs = ids.filter(|id| !sent.contains(id)).chain(self.marks());
        theirs.find(|text| shown.contains(text))
    }

    fn marks(&self) -> impl Iterator<Item = String> {
        let mode = self.mode.name();
        MARKS.iter().map(move |mark| format!("their-{mode}-{mark}"))
    }

    /// All rows that are theirs or refer to something of theirs.
    pub async fn rows(&self, gateway: &Gateway) -> Result<Vec<(String, String)>> {
        let mut rows = rows(gateway).await?;
        rows.retain(|(_, row)| self.has(row));
        Ok(rows)
    }

    /// Everything that their own key reads.
    pub async fn reads(&self, gateway: &Gateway, operations: &[Operation]) -> Result<Vec<Read>> {
        reads(gateway, operations, &self.key, &self.names).await
    }

    /// What outsiders ask for. The test proves something only if the victim itself sees all of it.
    pub fn sought(&self, reads: &[Read], operations: &[Operation]) -> Result<Names> {
        let right: Vec<&Read> = reads.iter().filter(|read| read.status == 200).collect();
        for mark in self.marks() {
            let is_seen = right.iter().any(|read| read.text.contains(&mark));
            ensure!(is_seen, "{mark} is seen nowhere by whose it is");
        }
        let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for read in right {
            let at = (read.by, read.path.clone());
            found.entry(at).or_default().extend(read.name.clone());
        }
        let shown: BTreeSet<String> = found.values().flatten().cloned().collect();
        let keys = 0..self.keys.len();
        let names = Names {
            found,
            all: self.names.iter().map(|name| name.word.clone()).collect(),
            shown: shown.into_iter().collect(),
            keys: keys.map(|at| format!("{{key.{at}}}")).collect(),
        };
        for operation in operations {
            let there = operation
                .object()
                .map(|path| names.at(path, &operation.by).0);
            let path = &operation.path;
            ensure!(
                there.is_none_or(|them| !them.is_empty()),
                "{path} finds nothing of theirs"
            );
        }
        Ok(names)
    }
}
