//! The documents: the paths and links in them exist, and they keep to their length and width.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::root;

/// Whether what stands in backticks is a path of the tree, and not a route, a URL or a command.
fn is_path(text: &str) -> bool {
    let endings = [".rs", ".md", ".toml", ".sh", ".sql"];
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    let looks = text.contains('/') || endings.iter().any(|ending| text.ends_with(ending));
    // What the machine makes is not in the tree; a leading slash is a route of the API.
    let is_made = text.starts_with(".local") || text.starts_with("target");
    is_plain && looks && !is_made && !text.starts_with('/')
}

/// How long the README may be.
const README_LINES_MAX: usize = 200;
/// How wide a line of the merchants' guide may be, outside code and tables.
const GUIDE_WIDTH_MAX: usize = 72;
/// Pages below `/docs` that the gateway generates.
const GENERATED_PAGES: [&str; 1] = ["reference"];

/// The Markdown documents, as path from the root and text.
fn documents() -> Result<Vec<(String, String)>> {
    let mut paths = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    for folder in ["api/docs", "deploy/docs"] {
        for entry in fs::read_dir(root().join(folder)).context(folder)? {
            let name = entry?.file_name().into_string().unwrap_or_default();
            if Path::new(&name)
                .extension()
                .is_some_and(|extension| extension == "md")
            {
                paths.push(format!("{folder}/{name}"));
            }
        }
    }
    let read = |path: String| {
        let text = fs::read_to_string(root().join(&path)).with_context(|| path.clone())?;
        Ok((path, text))
    };
    paths.into_iter().map(read).collect()
}

/// The text outside code blocks, which show commands and their output.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    text.split("```").step_by(2)
}

/// The targets of a text's Markdown links, without the place on the page.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split(')').next());
    targets.filter_map(|target| target.split('#').next())
}

/// Whether a link of a document leads somewhere.
fn is_reachable(document: &str, target: &str) -> bool {
    if target.is_empty() || target.starts_with("https://") {
        return true;
    }
    if let Some(page) = target.strip_prefix("/docs/") {
        let source = format!("api/docs/{page}.md");
        return GENERATED_PAGES.contains(&page) || root().join(source).exists();
    }
    let folder = Path::new(document).parent().unwrap_or(Path::new(""));
    root().join(folder).join(target).exists()
}

#[test]
fn paths_that_documents_name_exist() -> Result<()> {
    let mut missing = Vec::new();
    for (document, text) in documents()? {
        for block in prose(&text) {
            let quoted = block.split('`').skip(1).step_by(2);
            let is_missing = |text: &&str| is_path(text) && !root().join(text).exists();
            let unreachable = links(block).filter(|target| !is_reachable(&document, target));
            let found = quoted.filter(is_missing).chain(unreachable);
            missing.extend(found.map(|path| format!("{document} names {path}")));
        }
    }
    assert!(missing.is_empty(), "not there:\n{}", missing.join("\n"));
    Ok(())
}

#[test]
fn the_readme_is_short_and_lines_of_the_guide_are_narrow() -> Result<()> {
    let mut wide = Vec::new();
    for (document, text) in documents()? {
        let lines = text.lines().count();
        ensure!(
            document != "README.md" || lines <= README_LINES_MAX,
            "README.md has {lines} lines"
        );
        if document.starts_with("api/docs/") {
            let lines = prose(&text).flat_map(str::lines);
            let is_wide =
                |line: &&str| !line.starts_with('|') && line.chars().count() > GUIDE_WIDTH_MAX;
            wide.extend(
                lines
                    .filter(is_wide)
                    .map(|line| format!("{document}: {line}")),
            );
        }
    }
    assert!(wide.is_empty(), "too wide:\n{}", wide.join("\n"));
    Ok(())
}

#[test]
fn paths_and_routes_are_distinguished() {
    for path in [
        "api/src/lib.rs",
        "Makefile.toml",
        "deploy/local/",
        "tests/stories",
    ] {
        assert!(is_path(path), "{path}");
    }
    for other in [
        "/v1/payments",
        "make up",
        "pay_1",
        "https://x.y/z",
        ".local/test",
        "{a}/b",
    ] {
        assert!(!is_path(other), "{other}");
    }
}
