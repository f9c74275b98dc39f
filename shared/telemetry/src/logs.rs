//! The log of a process, on standard error.

use std::process::ExitCode;

use clap::ValueEnum;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{EnvFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::metrics::table::DATABASE_WAITS;

/// The format of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// The format of the log, among a process's settings.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct LogFormat {
    /// Format of the log.
    #[arg(
        long,
        env = "SLUICE_LOG_FORMAT",
        value_enum,
        default_value_t,
        global = true
    )]
    pub log_format: Format,
}

/// Starts logging. `RUST_LOG` sets the levels, or else `levels`.
pub fn start(format: Format, levels: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(levels));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false);
    let lines = match format {
        Format::Text => lines.boxed(),
        Format::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    let waits = Targets::new().with_target(WAITS_TARGET, tracing::Level::DEBUG);
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(DatabaseWaits.with_filter(waits))
        .init();
    DATABASE_WAITS.set([], 0);
    // A panic is a line of the log as well.
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(panic = %panic, "panicked");
    }));
}

/// The exit code of a process. Logs why it failed.
pub fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the process ends");
            ExitCode::FAILURE
        }
    }
}

/// What sqlx logs with this target when a statement has waited for a connection of the pool: it has no
/// counter of its own.
const WAITS_TARGET: &str = "sqlx::pool::acquire";

struct DatabaseWaits;

impl<S: Subscriber> Layer<S> for DatabaseWaits {
    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        DATABASE_WAITS.increment([]);
    }
}
