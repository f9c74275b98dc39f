//! The rules of the architecture, checked against the tree itself.

#[path = "architecture/documents.rs"]
mod documents;
#[path = "architecture/metrics.rs"]
mod metrics;
#[path = "architecture/migration_rules.rs"]
mod migration_rules;
#[path = "architecture/migrations.rs"]
mod migrations;
#[path = "architecture/state_names.rs"]
mod state_names;
#[path = "architecture/statements.rs"]
mod statements;
#[path = "architecture/vocabulary.rs"]
mod vocabulary;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result, ensure};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Which of our crates each crate may use.
const MAY_USE: [(&str, &[&str]); 10] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("wire", &["domain"]),
    ("queue", &["domain"]),
    ("telemetry", &[]),
    ("api", &["domain", "store", "wire", "queue", "telemetry"]),
    (
        "workers",
        &["domain", "store", "wire", "queue", "telemetry"],
    ),
    ("sluice", &["domain", "store", "wire", "queue", "telemetry"]),
    // It links nothing of ours, so that it cannot share our mistakes.
    ("sluice-sandbox", &[]),
    (
        "tests",
        &[
            "domain",
            "store",
            "wire",
            "queue",
            "telemetry",
            "api",
            "workers",
        ],
    ),
];

/// Crates that belong to somebody: nobody else may depend on them.
const OWNED: [(&str, &[&str]); 7] = [
    ("sqlx", &["store", "sluice", "tests"]),
    ("lapin", &["queue", "tests"]),
    ("apalis", &["workers"]),
    // Telemetry serves health and metrics with it and nothing more.
    ("axum", &["api", "telemetry", "sluice-sandbox", "tests"]),
    ("reqwest", &["workers", "sluice", "tests"]),
    ("hpke", &["store"]),
    (
        "proptest",
        &[
            "domain", "store", "wire", "queue", "api", "workers", "tests",
        ],
    ),
];

/// What a crate must not even use by way of others.
const ABSENT: [(&str, &[&str]); 6] = [
    (
        "domain",
        &["tokio", "sqlx", "reqwest", "axum", "lapin", "hyper"],
    ),
    (
        "wire",
        &["tokio", "sqlx", "reqwest", "axum", "lapin", "hyper"],
    ),
    ("store", &["reqwest", "axum", "lapin", "hyper"]),
    ("queue", &["sqlx", "reqwest", "axum", "hyper"]),
    ("telemetry", &["sqlx", "reqwest", "lapin"]),
    ("api", &["reqwest", "apalis"]),
];

/// Names that say nothing.
const NAMELESS: [&str; 7] = [
    "util", "utils", "common", "helper", "helpers", "manager", "types",
];

const LINES_MAX: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn metadata() -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    // What is built for other systems was never fetched.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let options = ["--offline", "--locked", "--filter-platform", &platform];
    let command = command.manifest_path(root().join("Cargo.toml"));
    Ok(command.other_options(options.map(str::to_owned)).exec()?)
}

/// Every file that is ours: no builds, no state, no history.
fn files() -> io::Result<Vec<PathBuf>> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name();
            if ["target", ".git", ".local", "node_modules"]
                .iter()
                .any(|skip| name == *skip)
            {
                continue;
            }
            if entry.file_type()?.is_dir() {
                walk(&entry.path(), found)?;
            } else {
                found.push(entry.path());
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(&root(), &mut found)?;
    Ok(found)
}

/// The names a package depends on, other than for its own tests.
fn uses(package: &Package) -> BTreeSet<&str> {
    let built = package
        .dependencies
        .iter()
        .filter(|one| one.kind != DependencyKind::Development);
    built.map(|one| one.name.as_str()).collect()
}

#[test]
fn crates_use_only_what_they_may() -> Result<()> {
    let metadata = metadata()?;
    let ours: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    let members = metadata.workspace_packages();
    let names: BTreeSet<&str> = members
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    assert_eq!(
        names, ours,
        "a crate is missing in this table, or in the workspace"
    );
    let may_use: BTreeMap<_, _> = MAY_USE.into_iter().collect();
    for package in members {
        let name = package.name.as_str();
        let may = may_use.get(name).context("a row")?;
        for used in uses(package).intersection(&ours) {
            ensure!(may.contains(used), "{name} may not use {used}");
        }
    }
    Ok(())
}

#[test]
fn what_belongs_to_a_crate_is_used_by_no_other() -> Result<()> {
    let metadata = metadata()?;
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        for (owned, owners) in OWNED {
            let is_used = uses(package).contains(owned);
            ensure!(
                !is_used || owners.contains(&name),
                "{owned} is not for {name}"
            );
        }
    }
    Ok(())
}

/// Everything below a crate in the graph of what is built for it.
fn below<'a>(metadata: &'a Metadata, name: &str) -> Result<BTreeSet<&'a str>> {
    let resolve = metadata.resolve.as_ref().context("no graph")?;
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let names: BTreeMap<_, _> = metadata
        .packages
        .iter()
        .map(|package| (&package.id, package.name.as_str()))
        .collect();
    let members = metadata.workspace_packages();
    let member = members.iter().find(|package| package.name == name);
    let mut open = vec![&member.context("no such crate")?.id];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        let node = nodes.get(id).context("no node")?;
        let built = node.deps.iter().filter(|dep| {
            dep.dep_kinds
                .iter()
                .any(|kind| kind.kind == DependencyKind::Normal)
        });
        open.extend(built.map(|dep| &dep.pkg).filter(|id| seen.insert(*id)));
    }
    Ok(seen
        .into_iter()
        .filter_map(|id| names.get(id).copied())
        .collect())
}

#[test]
fn what_must_be_absent_is_absent_all_the_way_down() -> Result<()> {
    let metadata = metadata()?;
    for (name, absent) in ABSENT {
        let below = below(&metadata, name)?;
        for one in absent {
            ensure!(!below.contains(one), "{name} comes to use {one}");
        }
    }
    Ok(())
}

/// Two providers of cryptography in one process panic when neither was chosen.
#[test]
fn ring_is_the_only_tls_provider() -> Result<()> {
    let metadata = metadata()?;
    let found = metadata
        .packages
        .iter()
        .map(|package| package.name.as_str());
    let others: Vec<&str> = found
        .filter(|name| name.starts_with("aws-lc") || *name == "openssl")
        .collect();
    assert_eq!(others, Vec::<&str>::new());
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    assert!(lock.contains("name = \"ring\"") && !lock.contains("name = \"aws-lc"));
    Ok(())
}

#[test]
fn files_are_short_and_have_names_that_say_something() -> Result<()> {
    let root = root();
    let mut wrong = Vec::new();
    for file in files()? {
        let path = file.strip_prefix(&root)?.display().to_string();
        let parts = path
            .split('/')
            .map(|part| part.split('.').next().unwrap_or_default());
        if parts.into_iter().any(|part| NAMELESS.contains(&part)) {
            wrong.push(format!("{path} has a name that says nothing"));
        }
        if file.extension().is_some_and(|extension| extension == "rs") {
            let lines = fs::read_to_string(&file)?.lines().count();
            if lines > LINES_MAX {
                wrong.push(format!("{path} has {lines} lines"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
