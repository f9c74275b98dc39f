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

/// Clock ticks (hundredths of a second) that each of our processes has used.
pub fn cpu(gateway: &Gateway) -> Result<Vec<u64>> {
    let used = OURS.into_iter().map(|process| {
        let stat = fs::read_to_string(format!("/proc/{}/stat", gateway.pid(process)?))?;
        let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let at = |index: usize| -> Result<u64> { Ok(fields.get(index).context("stat")?.parse()?) };
        Ok(at(11)? + at(12)?)
    });
    used.collect()
}

/// Prints what each of our processes used for one payment.
pub fn print_cpu(before: &[u64], after: &[u64], payments: u64) {
    let each = before
        .iter()
        .zip(after)
        .zip(["api", "scheduler", "card", "webhook"]);
    let parts: Vec<String> = each
        .map(|((before, after), name)| {
            let milliseconds = (after - before) as f64 * 10.0 / payments.max(1) as f64;
            format!("{name} {milliseconds:.2}")
        })
        .collect();
    println!("  CPU-ms a payment: {}", parts.join(", "));
}
