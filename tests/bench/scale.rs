//! Whether two processes of a worker do twice the work of one, while acquirers and endpoints answer in 50 ms;
//! and how a backlog ends.
//!
//! A process has few slots, so that it waits for providers and not for the cores that it shares with
//! everything else.

use std::cell::RefCell;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use futures::stream::iter;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Options, Process, Response, cards, example, until};
use tokio::time::Instant;

use crate::Plan;
use crate::figures::{Figure, ratios};
use crate::sink::Sink;

/// How long acquirers and endpoints take.
const LATENCY: Duration = Duration::from_millis(50);
/// Slots of a process; one merchant alone gets half of them.
const CONCURRENCY: &str = "16";
/// The jobs of a block.
const JOBS: usize = 1_000;
/// The payments that wait when the card worker comes back, with the usual number of slots.
const BACKLOG: usize = 5_000;
/// Requests at a time.
const CLIENTS: usize = 32;
const PAIRS_MAX: usize = 3;
const SOON: Duration = Duration::from_mins(1);

/// A kind of worker.
struct Kind {
    name: &'static str,
    processes: [Process; 2],
    figure: &'static str,
}

const CARD: Kind = Kind {
    name: "card",
    processes: [Process::Card, Process::SecondCard],
    figure: "two card processes over one",
};
const REFUND: Kind = Kind {
    name: "refund",
    processes: [Process::Refund, Process::SecondRefund],
    figure: "two refund processes over one",
};
const WEBHOOK: Kind = Kind {
    name: "webhook",
    processes: [Process::Webhook, Process::SecondWebhook],
    figure: "two webhook processes over one",
};

/// Throughput of two processes over one of each worker, and the end of a backlog.
pub async fn figures(plan: &Plan) -> Result<Vec<Figure>> {
    let latency = LATENCY.as_millis().to_string();
    let gateway = Gateway::with(Options {
        wait_ms: 50,
        env: vec![("SLUICE_SANDBOX_LATENCY_MS", latency)],
        ..Options::default()
    })
    .await?;
    for kind in [&CARD, &REFUND, &WEBHOOK] {
        for process in kind.processes {
            gateway.set(process, "SLUICE_CONCURRENCY", CONCURRENCY.to_owned());
        }
        gateway.terminate(kind.processes[0]).await?;
    }
    let payments = RefCell::new(Vec::new());
    let pay = async || {
        let made = create(&gateway, JOBS, |_| {
            ("/v1/payments".to_owned(), example(cards::APPROVED))
        });
        let made = ids(made.await?);
        payments.borrow_mut().extend(made);
        Ok(())
    };
    let refund = async || {
        let all = payments.take();
        let path = |at: usize| format!("/v1/payments/{}/refund", all.get(at).map_or("", |id| id));
        create(&gateway, JOBS, |at| (path(at), json!({"amount": 100}))).await?;
        payments.replace(all.into_iter().skip(JOBS).collect());
        Ok(())
    };
    let customers = RefCell::new(0_usize);
    let register = async || {
        let first = customers.replace_with(|count| *count + JOBS);
        let email = |at: usize| json!({"email": format!("{}@example.com", first + at)});
        create(&gateway, JOBS, |at| ("/v1/customers".to_owned(), email(at))).await?;
        Ok(())
    };
    let mut figures = vec![scale(&gateway, plan, &CARD, pay).await?];
    figures.push(scale(&gateway, plan, &REFUND, refund).await?);
    // Only now: the jobs before are not about webhooks.
    let sink = Sink::start_slow(LATENCY).await?;
    sink.register(&gateway).await?;
    figures.push(scale(&gateway, plan, &WEBHOOK, register).await?);
    gateway.launch(&[Process::Refund, Process::Webhook]).await?;
    figures.extend(backlog(&gateway).await?);
    gateway.finish().await?;
    Ok(figures)
}

async fn scale(
    gateway: &Gateway,
    plan: &Plan,
    kind: &Kind,
    create: impl AsyncFn() -> Result<()>,
) -> Result<Figure> {
    let block = async |processes: &[Process]| {
        gateway.launch(processes).await?;
        create().await?;
        let (rate, backlogs) = drain(gateway, kind.name, JOBS).await?;
        println!(
            "{}: {} processes, seconds of backlog {backlogs:.1?}",
            kind.name,
            processes.len()
        );
        for process in processes {
            gateway.terminate(*process).await?;
        }
        Ok(rate)
    };
    let (one, two) = (&kind.processes[..1], &kind.processes[..]);
    let (name, pairs) = (kind.name, plan.pairs.min(PAIRS_MAX));
    let (ours, theirs) = (format!("{name}: jobs/s of two"), "of one");
    let ratios = ratios(
        &ours,
        theirs,
        pairs,
        async || block(two).await,
        async || block(one).await,
    );
    Ok(Figure::at_least(kind.figure, ratios.await?, 1.9))
}

/// Waits until the jobs of a worker are done. Returns how many a second were done from now until a tenth
/// was left, and what the metrics said of the backlog meanwhile.
async fn drain(gateway: &Gateway, worker: &str, jobs: usize) -> Result<(f64, Vec<f64>)> {
    let least = jobs / 10;
    let (from, before) = (Instant::now(), left(gateway, worker).await?);
    ensure!(before > 2 * least, "only {before} of {jobs} jobs are left");
    let (mut to, mut backlogs) = (None, Vec::new());
    until("the jobs are done", SOON, async || {
        let left = left(gateway, worker).await?;
        if left <= least && to.is_none() {
            to = Some((Instant::now(), left));
        }
        let seconds = backlog_seconds(gateway, worker).await?;
        if seconds.is_finite() && backlogs.last() != Some(&seconds) {
            backlogs.push(seconds);
        }
        Ok((left == 0).then_some(()))
    })
    .await?;
    let (to, after) = to.context("no end")?;
    let rate = (before - after) as f64 / (to - from).as_secs_f64();
    Ok((rate, backlogs))
}

async fn left(gateway: &Gateway, worker: &str) -> Result<usize> {
    let query = "select count(*) from jobs where worker = $1";
    let count: i64 = sqlx::query_scalar(query)
        .bind(worker)
        .fetch_one(gateway.database())
        .await?;
    Ok(usize::try_from(count)?)
}

/// `sluice_jobs_backlog_seconds` as the scheduler exports it.
async fn backlog_seconds(gateway: &Gateway, worker: &str) -> Result<f64> {
    let address = gateway.internal_address(Process::Scheduler);
    let text = reqwest::get(format!("http://{address}/metrics"))
        .await?
        .text()
        .await?;
    let series = format!(r#"sluice_jobs_backlog_seconds{{worker="{worker}",mode="test"}} "#);
    let value = text.lines().find_map(|line| line.strip_prefix(&series));
    Ok(value.map_or(Ok(f64::INFINITY), str::parse)?)
}

/// Payments that were accepted without a card worker: how fast it ends them, and how long a new payment
/// takes meanwhile.
async fn backlog(gateway: &Gateway) -> Result<Vec<Figure>> {
    gateway.set(Process::Card, "SLUICE_CONCURRENCY", "128".to_owned());
    // It waits for outcomes, as usual.
    gateway.set(Process::SecondApi, "SLUICE_WAIT_MS", "8000".to_owned());
    gateway.launch(&[Process::SecondApi]).await?;
    let body = |_| ("/v1/payments".to_owned(), example(cards::APPROVED));
    create(gateway, BACKLOG, body).await?;
    gateway.launch(&[Process::Card]).await?;
    let fresh = async {
        until("a tenth is done", SOON, async || {
            let left = left(gateway, "card").await?;
            Ok((left < BACKLOG * 9 / 10).then_some(()))
        })
        .await?;
        let started = Instant::now();
        let request = gateway.request_to(Process::SecondApi, Method::POST, "/v1/payments");
        let request = request.bearer_auth(gateway.merchant.test_key.as_str());
        let paid = gateway
            .send(request.json(&example(cards::APPROVED)))
            .await?;
        ensure!(paid.at("/status") == "succeeded", "{}", paid.text);
        anyhow::Ok((started.elapsed(), left(gateway, "card").await?))
    };
    let (drained, fresh) = tokio::join!(drain(gateway, "card", BACKLOG), fresh);
    let ((rate, backlogs), (took, behind)) = (drained?, fresh?);
    println!(
        "backlog of {BACKLOG} payments: {rate:.0}/s; a new payment took {:.2} s and left {behind} behind; \
         seconds of backlog {backlogs:.1?}",
        took.as_secs_f64(),
    );
    let is_falling = backlogs.first() > backlogs.last();
    ensure!(
        is_falling,
        "the metrics show no falling backlog: {backlogs:?}"
    );
    Ok(vec![
        Figure::plain("payments of a backlog ended (1/s)", vec![rate]),
        Figure::at_most(
            "a new payment during a backlog (s)",
            vec![took.as_secs_f64()],
            2.0,
        ),
    ])
}

async fn create(
    gateway: &Gateway,
    count: usize,
    request: impl Fn(usize) -> (String, Value),
) -> Result<Vec<Response>> {
    let requests = iter(0..count).map(|at| {
        let (path, body) = request(at);
        async move {
            let made = gateway.post(&path, &body).await?;
            ensure!(made.status < 300, "{}", made.text);
            Ok(made)
        }
    });
    let made: Vec<Result<Response>> = requests.buffer_unordered(CLIENTS).collect().await;
    made.into_iter().collect()
}

fn ids(made: Vec<Response>) -> impl Iterator<Item = String> {
    made.into_iter()
        .map(|response| response.at("/id").to_owned())
}
