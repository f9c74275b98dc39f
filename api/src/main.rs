//! The API process.

use std::process::ExitCode;

use api::config::Config;
use clap::Parser;
use telemetry::logs;

// One thread, as in the workers: moving tasks between threads costs more than it gains. To use more
// cores, run more processes.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = Config::parse();
    logs::start(config.log.log_format, "info");
    logs::exit_code(api::serve(config).await)
}
