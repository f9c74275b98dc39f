//! Metrics, and their text in Prometheus' format (version 0.0.4). [`table`] lists all of them.
//!
//! The value of a label is a `&'static str`, so that no id, URL or text of a client can become one.

pub mod table;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The media type of [`text`].
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The upper bounds of a histogram's buckets, as Prometheus writes them, and in milliseconds.
const BUCKETS: [(&str, u64); 12] = [
    ("0.005", 5),
    ("0.01", 10),
    ("0.025", 25),
    ("0.05", 50),
    ("0.1", 100),
    ("0.25", 250),
    ("0.5", 500),
    ("1", 1_000),
    ("2.5", 2_500),
    ("5", 5_000),
    ("10", 10_000),
    ("30", 30_000),
];

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Grows and falls.
    Gauge,
    /// How durations are distributed, in seconds.
    Histogram,
}

impl Kind {
    /// Its name in Prometheus' format.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// What a metric is, for the text and the documentation.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Its name.
    pub name: &'static str,
    /// What is counted or measured.
    pub unit: &'static str,
    /// The processes that export it.
    pub processes: &'static str,
    /// What it says, in a sentence.
    pub help: &'static str,
}

/// A metric with its series: one value for each combination of its `N` labels.
#[derive(Debug)]
pub struct Family<V, const N: usize> {
    about: About,
    labels: [&'static str; N],
    series: Mutex<BTreeMap<[&'static str; N], V>>,
}

/// A number of events since the process started.
pub type Counter<const N: usize> = Family<Total, N>;
/// The last value that was set.
pub type Gauge<const N: usize> = Family<Level, N>;
/// Durations.
pub type Histogram<const N: usize> = Family<Distribution, N>;

impl<V: Series, const N: usize> Family<V, N> {
    const fn new(labels: [&'static str; N], about: About) -> Self {
        Self {
            about,
            labels,
            series: Mutex::new(BTreeMap::new()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<[&'static str; N], V>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<const N: usize> Counter<N> {
    /// Counts an event.
    pub fn increment(&self, labels: [&'static str; N]) {
        let mut series = self.lock();
        let total = series.entry(labels).or_default();
        total.0 = total.0.saturating_add(1);
    }

    /// Takes over a count that is kept elsewhere.
    pub fn set(&self, labels: [&'static str; N], total: u64) {
        self.lock().insert(labels, Total(total));
    }
}

impl<const N: usize> Gauge<N> {
    /// Sets the value.
    pub fn set(&self, labels: [&'static str; N], level: Level) {
        self.lock().insert(labels, level);
    }

    /// Sets the value to a count.
    pub fn set_count(&self, labels: [&'static str; N], count: u64) {
        self.set(labels, Level::Count(count));
    }

    /// Removes a value that is no longer known.
    pub fn remove(&self, labels: [&'static str; N]) {
        self.lock().remove(&labels);
    }
}

impl<const N: usize> Histogram<N> {
    /// Adds a duration.
    pub fn observe(&self, labels: [&'static str; N], duration: Duration) {
        self.lock().entry(labels).or_default().add(duration);
    }
}

/// The value of a counter.
#[derive(Debug, Default)]
pub struct Total(u64);

/// The value of a gauge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A number of things.
    Count(u64),
    /// A time, written in seconds.
    Time(Duration),
    /// A time that does not end.
    Endless,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Level::Count(count) => write!(f, "{count}"),
            Level::Time(time) => write!(f, "{}.{:06}", time.as_secs(), time.subsec_micros()),
            Level::Endless => f.write_str("+Inf"),
        }
    }
}

/// The value of a histogram.
#[derive(Debug, Default)]
pub struct Distribution {
    /// How many durations are in each bucket and in none of those before.
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: Duration,
}

impl Distribution {
    fn add(&mut self, duration: Duration) {
        let mut buckets = self.buckets.iter_mut().zip(BUCKETS);
        let bucket = buckets.find(|(_, (_, most))| duration <= Duration::from_millis(*most));
        if let Some((bucket, _)) = bucket {
            *bucket = bucket.saturating_add(1);
        }
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(duration);
    }
}

/// A value that has a text.
pub trait Series: Default {
    /// The type of metrics with such values.
    const KIND: Kind;

    /// Appends its lines. `labels` are written already, without braces.
    fn write(&self, text: &mut String, name: &str, labels: &str);
}

impl Series for Total {
    const KIND: Kind = Kind::Counter;

    fn write(&self, text: &mut String, name: &str, labels: &str) {
        write_line(text, name, labels, self.0);
    }
}

impl Default for Level {
    fn default() -> Self {
        Level::Count(0)
    }
}

impl Series for Level {
    const KIND: Kind = Kind::Gauge;

    fn write(&self, text: &mut String, name: &str, labels: &str) {
        write_line(text, name, labels, self);
    }
}

impl Series for Distribution {
    const KIND: Kind = Kind::Histogram;

    fn write(&self, text: &mut String, name: &str, labels: &str) {
        let separator = if labels.is_empty() { "" } else { "," };
        let bucket = format!("{name}_bucket");
        let mut cumulative = 0_u64;
        let counts = self.buckets.iter().copied();
        for ((bound, _), count) in BUCKETS.into_iter().zip(counts) {
            cumulative = cumulative.saturating_add(count);
            let labels = format!("{labels}{separator}le=\"{bound}\"");
            write_line(text, &bucket, &labels, cumulative);
        }
        let all = format!("{labels}{separator}le=\"+Inf\"");
        write_line(text, &bucket, &all, self.count);
        write_line(text, &format!("{name}_sum"), labels, Level::Time(self.sum));
        write_line(text, &format!("{name}_count"), labels, self.count);
    }
}

fn write_line(text: &mut String, name: &str, labels: &str, value: impl fmt::Display) {
    // Writing to a text cannot fail.
    let _ = if labels.is_empty() {
        writeln!(text, "{name} {value}")
    } else {
        writeln!(text, "{name}{{{labels}}} {value}")
    };
}

/// A metric of any type.
pub trait Metric: Sync {
    /// What it is.
    fn about(&self) -> About;

    /// Its type.
    fn kind(&self) -> Kind;

    /// The names of its labels.
    fn labels(&self) -> &[&'static str];

    /// Appends its text; nothing while it has no values.
    fn write(&self, text: &mut String);
}

impl<V: Series + Send, const N: usize> Metric for Family<V, N> {
    fn about(&self) -> About {
        self.about
    }

    fn kind(&self) -> Kind {
        V::KIND
    }

    fn labels(&self) -> &[&'static str] {
        &self.labels
    }

    fn write(&self, text: &mut String) {
        let series = self.lock();
        if series.is_empty() {
            return;
        }
        let About { name, help, .. } = self.about;
        let _ = writeln!(text, "# HELP {name} {help}");
        let _ = writeln!(text, "# TYPE {name} {}", V::KIND.name());
        for (values, value) in &*series {
            let pairs = self.labels.iter().zip(values);
            let pairs = pairs.map(|(label, value)| format!("{label}=\"{}\"", escaped(value)));
            let pairs: Vec<String> = pairs.collect();
            value.write(text, name, &pairs.join(","));
        }
    }
}

fn escaped(value: &str) -> String {
    let value = value.replace('\\', r"\\").replace('"', r#"\""#);
    value.replace('\n', r"\n")
}

/// Sets the metrics of a pool of connections to Postgres.
pub fn set_pool(pool: &'static str, open: u32, idle: usize, most: u32) {
    let idle = u64::try_from(idle).unwrap_or_default();
    let used = u64::from(open).saturating_sub(idle);
    table::DATABASE_CONNECTIONS.set_count([pool, "idle"], idle);
    table::DATABASE_CONNECTIONS.set_count([pool, "used"], used);
    table::DATABASE_CONNECTIONS_MAX.set_count([pool], most.into());
}

/// All metrics of this process that have values.
pub fn text() -> String {
    let mut text = String::with_capacity(16 * 1024);
    for metric in table::ALL {
        metric.write(&mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About = About {
        name: "sluice_things",
        unit: "things",
        processes: "api",
        help: "Things.",
    };

    fn text_of(metric: &dyn Metric) -> String {
        let mut text = String::new();
        metric.write(&mut text);
        text
    }

    #[test]
    fn a_counter_has_a_line_for_each_combination_of_labels() {
        let things = Counter::new(["a", "b"], ABOUT);
        assert_eq!(text_of(&things), "");
        things.increment(["x", "y"]);
        things.increment(["x", "y"]);
        things.set(["x", "\"\\\n"], 7);
        let expected = "# HELP sluice_things Things.\n# TYPE sluice_things counter\n\
                        sluice_things{a=\"x\",b=\"\\\"\\\\\\n\"} 7\nsluice_things{a=\"x\",b=\"y\"} 2\n";
        assert_eq!(text_of(&things), expected);
    }

    #[test]
    fn a_gauge_has_the_last_value() {
        let things = Gauge::new([], ABOUT);
        for (level, text) in [
            (Level::Count(3), "3"),
            (Level::Time(Duration::from_micros(1_500_007)), "1.500007"),
            (Level::Endless, "+Inf"),
        ] {
            things.set([], level);
            let expected = format!(
                "# HELP sluice_things Things.\n# TYPE sluice_things gauge\nsluice_things {text}\n"
            );
            assert_eq!(text_of(&things), expected);
        }
        things.remove([]);
        assert_eq!(text_of(&things), "");
    }

    #[test]
    fn the_buckets_of_a_histogram_are_cumulative() {
        let things = Histogram::new(["a"], ABOUT);
        for millis in [4, 5, 6, 31_000] {
            things.observe(["x"], Duration::from_millis(millis));
        }
        let text = text_of(&things);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(lines.first(), Some(&"# TYPE sluice_things histogram"));
        for line in [
            "sluice_things_bucket{a=\"x\",le=\"0.005\"} 2",
            "sluice_things_bucket{a=\"x\",le=\"0.01\"} 3",
            "sluice_things_bucket{a=\"x\",le=\"30\"} 3",
            "sluice_things_bucket{a=\"x\",le=\"+Inf\"} 4",
            "sluice_things_sum{a=\"x\"} 31.015000",
            "sluice_things_count{a=\"x\"} 4",
        ] {
            assert!(lines.contains(&line), "{line} is not in {text}");
        }
    }
}
