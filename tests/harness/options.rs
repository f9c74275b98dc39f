//! How a gateway is set up.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use domain::money::Currency;
use store::merchants::New;

use crate::process::Settings;

/// How a gateway differs from the default.
#[derive(Debug, Clone)]
pub struct Options {
    /// Requests a minute that each merchant may make.
    pub rate_limit: Option<i32>,
    /// How long the card worker waits for an acquirer's response.
    pub acquirer_timeout_ms: u64,
    /// How long the API waits for a payment's outcome.
    pub wait_ms: u64,
    /// The sandbox's delays in percent.
    pub pace_percent: u16,
    /// Private stores, which the test may kill and wipe.
    pub own_stores: bool,
    /// Environment variables of every process, over those of the harness.
    pub env: Vec<(&'static str, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rate_limit: Some(1_000_000),
            acquirer_timeout_ms: 1_000,
            wait_ms: 8_000,
            pace_percent: 10,
            own_stores: false,
            env: Vec::new(),
        }
    }
}

pub(crate) fn new_merchant(name: &str, options: &Options) -> Result<New> {
    Ok(New {
        name: name.to_owned(),
        rate_limit: options.rate_limit,
        fee_basis_points: 290,
        email: Some("pay@demo.example".to_owned()),
        currency: Currency::parse("USD").context("no currency")?,
    })
}

pub(crate) fn settings(options: &Options, dir: &Path) -> Settings {
    let path = |name: &str| dir.join(name).display().to_string();
    let mut settings = Settings::from(
        [
            ("SLUICE_IDEMPOTENCY_KEY_FILE", path("idempotency.key")),
            ("SLUICE_WEBHOOK_KEY_FILE", path("webhook.key")),
            ("SLUICE_WEBHOOK_LOCAL", "true".to_owned()),
            ("SLUICE_WAIT_MS", options.wait_ms.to_string()),
            ("SLUICE_CARD_KEYS_DIR", path("card")),
            (
                "SLUICE_ACQUIRER_TIMEOUT_MS",
                options.acquirer_timeout_ms.to_string(),
            ),
            ("SLUICE_SANDBOX_LOG", path("acquirer.jsonl")),
            (
                "SLUICE_SANDBOX_PACE_PERCENT",
                options.pace_percent.to_string(),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    for name in ["RUST_LOG", "RUST_BACKTRACE", "TOKIO_WORKER_THREADS"] {
        settings.extend(std::env::var(name).map(|value| (name.to_owned(), value)));
    }
    let more = options
        .env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    settings.extend(more);
    settings
}

pub(crate) fn write_keys(dir: &Path) -> Result<()> {
    for name in ["idempotency.key", "webhook.key"] {
        let random = [rand::random::<u128>(), rand::random::<u128>()];
        fs::write(
            dir.join(name),
            random.map(|half| format!("{half:032x}")).concat(),
        )?;
    }
    Ok(())
}
