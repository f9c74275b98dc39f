//! CPU time of one complete payment, from POST to the webhook's 2xx: all processes, stores included.

use std::fs;

use anyhow::{Context, Result};
use tests::{Gateway, Process};

use crate::Plan;
use crate::figures::Figure;
use crate::load::{self, Load};
use crate::sink::Sink;

/// What is measured. The sandbox stands for an acquirer and is not part of the gateway.
const NAMES: [&str; 7] = [
    "api",
    "scheduler",
    "card",
    "refund",
    "webhook",
    "postgres",
    "rabbitmq",
];

/// Clock ticks (hundredths of a second) that each of [`NAMES`] has used.
pub type Used = [u64; 7];

/// CPU milliseconds per payment, at saturation and at the open loop's rate.
pub async fn figures(gateway: &Gateway, sink: &Sink, plan: &Plan) -> Result<Vec<Figure>> {
    sink.register(gateway).await?;
    let load = Load::new(gateway);
    let (mut saturated, mut steady) = (Vec::new(), Vec::new());
    for block in 0..=plan.pairs {
        let (before, clients) = (start(gateway, sink)?, plan.clients * 2);
        load.closed(clients, plan.block(), load::WITH_CARD).await?;
        let busy = finish(gateway, sink, &before, "saturated").await?;
        let before = start(gateway, sink)?;
        load.open(plan.rate, plan.block(), sink).await?;
        let calm = finish(gateway, sink, &before, "steady").await?;
        if block > 0 {
            saturated.push(busy);
            steady.push(calm);
        }
    }
    Ok(vec![
        Figure::plain("CPU-ms per payment at saturation", saturated),
        Figure::plain("CPU-ms per payment at a steady rate", steady),
    ])
}

fn start(gateway: &Gateway, sink: &Sink) -> Result<Used> {
    sink.forget();
    used(gateway)
}

async fn finish(gateway: &Gateway, sink: &Sink, before: &Used, load: &str) -> Result<f64> {
    gateway.drain().await?;
    let after = used(gateway)?;
    let payments = sink.received();
    let parts = per_payment(before, &after, payments);
    let sum: f64 = parts.iter().sum();
    println!(
        "{load}: {payments} payments, CPU-ms each {sum:.2}: {}",
        words(&parts)
    );
    gateway.drain().await?;
    Ok(sum)
}

/// Clock ticks used so far.
pub fn used(gateway: &Gateway) -> Result<Used> {
    let ours = |process| ticks(&gateway.pid(process)?);
    let store = |name: &str| {
        let file = gateway.stores().dir().join(format!("run/{name}.pid"));
        Ok::<_, anyhow::Error>(fs::read_to_string(file)?.trim().to_owned())
    };
    Ok([
        ours(Process::Api)?.own,
        ours(Process::Scheduler)?.own,
        ours(Process::Card)?.own,
        ours(Process::Refund)?.own,
        ours(Process::Webhook)?.own,
        with_children(&store("postgres")?)?,
        ticks(&store("rabbitmq")?)?.own,
    ])
}

/// CPU milliseconds per payment of each of [`NAMES`].
pub fn per_payment(before: &Used, after: &Used, payments: u64) -> Vec<f64> {
    let each = before.iter().zip(after);
    each.map(|(before, after)| (after - before) as f64 * 10.0 / payments.max(1) as f64)
        .collect()
}

/// The parts with their names.
pub fn words(parts: &[f64]) -> String {
    let each = NAMES.iter().zip(parts);
    let each: Vec<_> = each
        .map(|(name, part)| format!("{name} {part:.2}"))
        .collect();
    each.join(", ")
}

struct Ticks {
    parent: String,
    own: u64,
    /// Of children that have ended.
    ended: u64,
}

fn ticks(pid: &str) -> Result<Ticks> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let at = |index: usize| -> Result<u64> { Ok(fields.get(index).context("stat")?.parse()?) };
    Ok(Ticks {
        parent: (*fields.get(1).context("stat")?).to_owned(),
        own: at(11)? + at(12)?,
        ended: at(13)? + at(14)?,
    })
}

/// A process with its children, running and ended: Postgres has one for each connection.
fn with_children(pid: &str) -> Result<u64> {
    let process = ticks(pid)?;
    let mut sum = process.own + process.ended;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        // A process that ends meanwhile is counted by its parent.
        if let Ok(child) = ticks(&name)
            && child.parent == pid
        {
            sum += child.own;
        }
    }
    Ok(sum)
}
