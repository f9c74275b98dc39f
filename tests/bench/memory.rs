//! What the processes take.

use std::fs;

use anyhow::{Context, Result};
use tests::Gateway;

use crate::OURS;
use crate::figures::Figure;

/// Resident memory of each of our processes after the load.
pub fn figures(gateway: &Gateway) -> Result<Vec<Figure>> {
    let names = [
        "resident memory after load, api (MiB)",
        "resident memory after load, scheduler (MiB)",
        "resident memory after load, card (MiB)",
        "resident memory after load, webhook (MiB)",
    ];
    let sizes = OURS.into_iter().map(|process| {
        let status = fs::read_to_string(format!("/proc/{}/status", gateway.pid(process)?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line
            .and_then(|line| line.trim().strip_suffix(" kB"))
            .context("VmRSS")?;
        Ok(kilobytes.trim().parse::<f64>()? / 1024.0)
    });
    let sizes = sizes.collect::<Result<Vec<_>>>()?;
    Ok(names
        .into_iter()
        .zip(sizes)
        .map(|(name, size)| Figure::at_most(name, vec![size], 40.0))
        .collect())
}
