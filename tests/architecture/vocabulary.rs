//! No private vocabulary: the retired words stay out of names, tables and logs.

use std::fs;

use anyhow::Result;

use crate::{files, root};

/// Words of a retired vocabulary. None may be part of the name of a type, function or module, of a
/// table, or of a log text.
const RETIRED_WORDS: [&str; 21] = [
    "bell",
    "rung",
    "outbox",
    "calendar",
    "relay",
    "ear",
    "ears",
    "hear",
    "heard",
    "told",
    "tell",
    "door",
    "stranger",
    "strangers",
    "desk",
    "anew",
    "begun",
    "overtaken",
    "notice",
    "notices",
    "rings",
];

/// Names that are retired only as a whole: their words have other uses.
const RETIRED_NAMES: [&str; 41] = [
    "once",
    "is_once",
    "keep",
    "keep_in",
    "look",
    "pace",
    "said",
    "given",
    "shop",
    "hint",
    "ring",
    "caller",
    "peer",
    "refused",
    "settle",
    "ask",
    "case_file",
    "house",
    "hands",
    "rooms",
    "Word",
    "Letter",
    "Listener",
    "Notice",
    "Refused",
    "Wrong",
    "NotMoney",
    "NotACard",
    "NotAllowed",
    "NoAnswer",
    "Desk",
    "Change",
    "Happened",
    "Overtaken",
    "Answer",
    "Answered",
    "Caller",
    "Line",
    "Shop",
    "Ear",
    "Bell",
];

/// The words of a name, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        let is_start = letter == '_' || letter == ' ' || letter.is_uppercase();
        if is_start {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter.is_alphabetic(), words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

fn is_retired(name: &str) -> bool {
    RETIRED_NAMES.contains(&name)
        || words(name)
            .iter()
            .any(|word| RETIRED_WORDS.contains(&word.as_str()))
}

/// The names that a line of code or SQL defines, and the text that it logs.
fn names(line: &str) -> Vec<String> {
    let identifier = |text: &str| -> String {
        let is_part = |letter: &char| letter.is_alphanumeric() || *letter == '_';
        text.trim_start().chars().take_while(is_part).collect()
    };
    let keywords = [
        "fn ",
        "struct ",
        "enum ",
        "trait ",
        "mod ",
        "type ",
        "create table ",
    ];
    let mut names = Vec::new();
    for keyword in keywords {
        for (at, _) in line.match_indices(keyword) {
            let before = line.get(..at).unwrap_or_default();
            if !before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_') {
                names.push(identifier(
                    line.get(at + keyword.len()..).unwrap_or_default(),
                ));
            }
        }
    }
    if ["info!(", "warn!(", "error!(", "debug!("]
        .iter()
        .any(|log| line.contains(log))
    {
        names.extend(line.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    names
}

#[test]
fn no_name_table_or_log_uses_the_retired_vocabulary() -> Result<()> {
    let root = root();
    let mut found = Vec::new();
    for file in files()? {
        let extension = file.extension().and_then(|extension| extension.to_str());
        let path = file.strip_prefix(&root)?.display().to_string();
        if !matches!(extension, Some("rs" | "sql")) || path == "tests/architecture/vocabulary.rs" {
            continue;
        }
        let text = fs::read_to_string(&file)?;
        let code = text.lines().enumerate();
        let code = code.filter(|(_, line)| !line.trim_start().starts_with(['/', '-']));
        for (number, line) in code {
            let names = names(line).into_iter().filter(|name| is_retired(name));
            found.extend(names.map(|name| format!("{path}:{}: {name}", number + 1)));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

#[test]
fn retired_names_are_recognized() {
    for line in [
        "pub struct Bell {",
        "    fn ring_bell(&self) {",
        "mod once;",
        "create table outbox (",
        "tracing::info!(\"the bell is ready\");",
    ] {
        assert!(names(line).iter().any(|name| is_retired(name)), "{line}");
    }
    for line in [
        "fn install_ring_provider() {",
        "fn list(limit: i64) {",
        "pub struct Publisher {",
        "create table jobs (",
        "tracing::info!(count, \"published overdue jobs\");",
    ] {
        assert!(!names(line).iter().any(|name| is_retired(name)), "{line}");
    }
}
