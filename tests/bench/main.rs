//! `make bench`: what the gateway does against what this machine can do, as ratios taken in one run.
//!
//! Every figure is the median of blocks, and where it can of ratios of neighbouring blocks, gateway
//! and baseline in the order ABBA, so that a machine that grows faster or slower meanwhile does not
//! show. Latencies come from open-loop load: each request is timed from the moment it was meant to
//! be sent. Durability is read back and printed, and after every figure everything is compared; a figure
//! whose load broke a rule is void.

#![expect(clippy::print_stdout, reason = "it prints its figures")]
#![expect(
    clippy::float_arithmetic,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "figures, not money"
)]

mod baseline;
mod cpu;
mod figures;
mod floor;
mod isolation;
mod load;
mod memory;
mod pages;
mod scale;
mod sink;
mod verify;

use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use tests::{Gateway, Process};

use self::figures::{Figure, ratios};
use self::load::Load;
use self::sink::Sink;

/// Measure the gateway against the baselines of this machine.
#[derive(Debug, Clone, Parser)]
struct Plan {
    /// How long one block of load is, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many pairs of blocks; the first is for warming up and is dropped.
    #[arg(long, default_value_t = 6)]
    pairs: usize,
    /// Requests in flight.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Requests a second of the open-loop load.
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Only this figure; may be repeated.
    #[arg(long, value_enum)]
    only: Vec<Measure>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measure {
    /// H1: accepting.
    Accept,
    /// Creates of customers.
    Customers,
    /// H2: from POST to webhook.
    Latency,
    /// H3: complete payments.
    Complete,
    /// CPU time of a complete payment.
    Cpu,
    /// H9: another merchant's hanging endpoints.
    Isolation,
    /// H8: pages of a long list.
    Pages,
    /// Two processes of each worker over one, and a backlog.
    Scale,
    /// `sluice verify` over a million payments.
    Verify,
}

impl Plan {
    const fn block(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn has(&self, measure: Measure) -> bool {
        self.only.is_empty() || self.only.contains(&measure)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let plan = Plan::parse();
    print_machine(&plan).await?;
    let mut figures = Vec::new();
    if plan.has(Measure::Accept) {
        figures.extend(alone(async |gateway, _| accept(gateway, &plan).await).await?);
    }
    if plan.has(Measure::Customers) {
        figures.extend(alone(async |gateway, _| customers(gateway, &plan).await).await?);
    }
    if plan.has(Measure::Latency) {
        figures.extend(alone(async |gateway, sink| latency(gateway, sink, &plan).await).await?);
    }
    if plan.has(Measure::Complete) {
        figures.extend(alone(async |gateway, sink| complete(gateway, sink, &plan).await).await?);
    }
    if plan.has(Measure::Cpu) {
        figures
            .extend(alone(async |gateway, sink| cpu::figures(gateway, sink, &plan).await).await?);
    }
    if plan.has(Measure::Isolation) {
        figures.extend(
            alone(async |gateway, sink| isolation::figures(gateway, sink, &plan).await).await?,
        );
    }
    if plan.has(Measure::Pages) {
        figures.push(pages::figure(&plan).await?);
    }
    if plan.has(Measure::Verify) {
        figures.extend(verify::figures().await?);
    }
    if plan.has(Measure::Scale) {
        figures.extend(scale::figures(&plan).await?);
    }
    println!("\n{:<46} {:>12} {:>12}", "figure", "measured", "target");
    for figure in &figures {
        println!("{figure}");
    }
    println!("0 violations after every figure (sluice verify)");
    Ok(())
}

/// Measures with a gateway of its own, so that no figure depends on the rows that others made; then compares
/// everything.
async fn alone(
    measure: impl AsyncFnOnce(&Gateway, &Sink) -> Result<Vec<Figure>>,
) -> Result<Vec<Figure>> {
    let gateway = Gateway::start().await.context("starting the gateway")?;
    let sink = Sink::start().await?;
    let figures = measure(&gateway, &sink).await?;
    gateway.finish().await.context("the figure is void")?;
    Ok(figures)
}

async fn print_machine(plan: &Plan) -> Result<()> {
    let gateway = Gateway::start().await.context("starting the gateway")?;
    let db = gateway.database();
    let setting = |name: &'static str| async move {
        sqlx::query_scalar::<_, String>("select current_setting($1)")
            .bind(name)
            .fetch_one(db)
            .await
    };
    println!(
        "fsync {}, synchronous_commit {}, full_page_writes {}; quorum queues, persistent, confirmed",
        setting("fsync").await?,
        setting("synchronous_commit").await?,
        setting("full_page_writes").await?,
    );
    println!(
        "{} cores shared by everything, load and sandbox too; {plan:?}\n",
        std::thread::available_parallelism()?
    );
    gateway.finish().await
}

/// H1: creates without a card a second through the whole API, over single runs of the very same
/// statement by pgbench.
async fn accept(gateway: &Gateway, plan: &Plan) -> Result<Vec<Figure>> {
    let load = Load::new(gateway);
    let ours = async || {
        let done = load
            .closed(plan.clients, plan.block(), load::WITHOUT_CARD)
            .await?;
        gateway.drain().await?;
        Ok(done.per_second)
    };
    let statement = async || baseline::accepts_a_second(gateway, plan.clients, plan.block()).await;
    let ratios = ratios("accepts/s", "pgbench/s", plan.pairs, ours, statement).await?;
    Ok(vec![Figure::at_least("H1 accept ratio", ratios, 0.5)])
}

/// Creates of customers a second, over creates of payments without a card.
async fn customers(gateway: &Gateway, plan: &Plan) -> Result<Vec<Figure>> {
    let load = Load::new(gateway);
    let creates = async |object| {
        let done = load.closed(plan.clients, plan.block(), object).await?;
        gateway.drain().await?;
        Ok(done.per_second)
    };
    let ours = async || creates(load::CUSTOMER).await;
    let payments = async || creates(load::WITHOUT_CARD).await;
    let ratios = ratios("customers/s", "payments/s", plan.pairs, ours, payments).await?;
    let name = "creates of customers over those of payments";
    Ok(vec![Figure::plain(name, ratios)])
}

/// H2: from the moment a POST was meant to be sent to the arrival of its webhook, in blocks; beside each
/// the commit and the hop of its moment.
async fn latency(gateway: &Gateway, sink: &Sink, plan: &Plan) -> Result<Vec<Figure>> {
    sink.register(gateway).await?;
    let load = Load::new(gateway);
    let (mut ratios, mut p50s, mut p99s) = (Vec::new(), Vec::new(), Vec::new());
    for block in 0..=plan.pairs {
        sink.forget();
        let sent = load.open(plan.rate, plan.block(), sink).await?;
        gateway.drain().await?;
        let floor = floor::measure(gateway, plan.rate, plan.block() / 2).await?;
        let latencies = sink.latencies();
        let at = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e3;
        println!(
            "POST to webhook at {}/s: {sent} sent, {} received; ms p50 {:.1} p99 {:.1} max {:.1}; a commit {:.1}, a hop {:.1}{}",
            plan.rate,
            latencies.len(),
            at(0.5),
            at(0.99),
            latencies.max() as f64 / 1e3,
            floor.commit,
            floor.hop,
            if block == 0 { " (warming up)" } else { "" },
        );
        if block > 0 {
            ratios.push(at(0.5) / floor.payment());
            p50s.push(at(0.5));
            p99s.push(at(0.99));
        }
    }
    println!("  {}", floor::stages(gateway).await?);
    Ok(vec![
        Figure::at_most("H2 p50 over 3 bare hops and 4 bare commits", ratios, 2.0),
        Figure::at_most("H2 POST to webhook, p50 (ms)", p50s, 10.0),
        Figure::at_most("H2 POST to webhook, p99 (ms)", p99s, 40.0),
    ])
}

/// H3: payments a second from POST to the webhook's 2xx, over a third of the hops a second that a
/// bare publish, consume and acknowledge makes.
async fn complete(gateway: &Gateway, sink: &Sink, plan: &Plan) -> Result<Vec<Figure>> {
    sink.register(gateway).await?;
    let load = Load::new(gateway);
    let ours = async || {
        sink.forget();
        load.closed(plan.clients * 2, plan.block(), load::WITH_CARD)
            .await?;
        let received = sink.received() as f64 / plan.block().as_secs_f64();
        gateway.drain().await?;
        Ok(received)
    };
    let hop = async || Ok(baseline::hops_a_second(gateway, plan.block()).await? / 3.0);
    let ratios = ratios("payments/s", "hops/s / 3", plan.pairs, ours, hop).await?;
    let mut figures = vec![Figure::at_least("H3 complete payments ratio", ratios, 0.15)];
    figures.extend(memory::figures(gateway)?);
    Ok(figures)
}

/// The processes that are ours.
const OURS: [Process; 4] = [
    Process::Api,
    Process::Scheduler,
    Process::Card,
    Process::Webhook,
];
