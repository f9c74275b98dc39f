//! The documentation of the metrics is generated from their table.

use std::fs;

use anyhow::{Context, Result, ensure};
use telemetry::metrics::table::ALL;
use telemetry::metrics::{Kind, Metric};

use crate::root;

const PAGE: &str = "deploy/docs/metrics.md";
/// What comes after this heading is generated.
const HEADING: &str = "## All metrics\n";

fn row(metric: &dyn Metric) -> String {
    let about = metric.about();
    let labels: Vec<String> = metric
        .labels()
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let (kind, labels) = (metric.kind().name(), labels.join(", "));
    let (name, unit, processes, help) = (about.name, about.unit, about.processes, about.help);
    format!("| `{name}` | {kind} | {unit} | {labels} | {processes} | {help} |\n")
}

/// To write the page again, run this test with `WRITE_METRICS=1`.
#[test]
fn the_page_of_the_metrics_shows_the_table() -> Result<()> {
    let path = root().join(PAGE);
    let page = fs::read_to_string(&path)?;
    let (intro, found) = page.split_once(HEADING).context("no heading")?;
    let head =
        "\n| metric | type | unit | labels | processes | meaning |\n|---|---|---|---|---|---|\n";
    let rows = ALL.iter().map(|metric| row(*metric));
    let table: String = std::iter::once(head.to_owned()).chain(rows).collect();
    if std::env::var_os("WRITE_METRICS").is_some() {
        fs::write(&path, format!("{intro}{HEADING}{table}"))?;
        return Ok(());
    }
    ensure!(
        found == table,
        "{PAGE} is not that of the table of the metrics"
    );
    Ok(())
}

#[test]
fn names_of_metrics_follow_the_conventions_of_prometheus() {
    for metric in ALL {
        let (about, kind) = (metric.about(), metric.kind());
        let name = about.name;
        assert!(name.starts_with("sluice_"), "{name}");
        assert_eq!(name.ends_with("_total"), kind == Kind::Counter, "{name}");
        let is_time = about.unit == "seconds" || about.unit == "Unix time";
        assert_eq!(name.ends_with("_seconds"), is_time, "{name}");
        assert!(
            kind != Kind::Histogram || name.ends_with("_duration_seconds"),
            "{name}"
        );
    }
}
