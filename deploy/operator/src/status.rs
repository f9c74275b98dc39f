//! `sluice status`: what runs, what waits, and what needs a person, on one screen.

mod findings;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use domain::job::Worker;
use queue::QueueStatus;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use store::jobs::{self, WorkerLoad};
use store::measures;
use store::status::{self, Connections, FailingEndpoint, Schema};
use store::{PgPool, approvals};

use self::findings::{Findings, problems};
use crate::config::{self, Broker, Database};
use crate::{failure, output};

#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    broker: Broker,
    /// URL of the API; if missing, its readiness is not checked
    #[arg(long, env = "SLUICE_URL")]
    url: Option<String>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// How long the API may take to say whether it is ready.
const API_TIMEOUT: Duration = Duration::from_secs(6);
/// The time in which the backlog of a worker is seen to fall.
const WATCHED: Duration = Duration::from_secs(2);
/// Failing endpoints that are shown; one screen has no room for more.
const ENDPOINTS_SHOWN: i64 = 8;
/// Open proposals that are counted.
const PROPOSALS_MAX: i64 = 1_000;

/// What the database says.
struct Stored {
    schema: Schema,
    connections: Vec<Connections>,
    loads: Vec<WorkerLoad>,
    /// How long each worker needs for the jobs that wait; `None` if they do not become fewer.
    backlogs: Vec<(Worker, Option<Duration>)>,
    failing: (i64, Vec<FailingEndpoint>),
    proposals: usize,
}

impl Stored {
    async fn read(database: &Database) -> anyhow::Result<Self> {
        let db = database.connect().await?;
        Ok(Self {
            schema: status::schema(&db).await?,
            connections: status::connections(&db).await?,
            loads: jobs::loads(&db).await?,
            backlogs: backlogs(&db).await?,
            failing: status::failing_endpoints(&db, ENDPOINTS_SHOWN).await?,
            proposals: open_proposals(&db).await?,
        })
    }

    fn backlog_of(&self, load: &WorkerLoad) -> Option<Duration> {
        let mut backlogs = self.backlogs.iter();
        backlogs.find(|(worker, _)| *worker == load.worker)?.1
    }

    fn connections_of(&self, process: &str) -> Option<&Connections> {
        self.connections.iter().find(|one| one.process == process)
    }
}

/// Watches the jobs that wait, for [`WATCHED`] if there are any.
async fn backlogs(db: &PgPool) -> anyhow::Result<Vec<(Worker, Option<Duration>)>> {
    let started = Instant::now();
    let before = measures::waiting(db).await?;
    let now = if before.is_empty() {
        Vec::new()
    } else {
        tokio::time::sleep(WATCHED).await;
        measures::waiting(db).await?
    };
    let elapsed = started.elapsed();
    let count = |jobs: &[measures::Jobs], worker| {
        let of_worker = jobs.iter().filter(|jobs| jobs.worker == worker);
        of_worker.map(|jobs| jobs.count).sum()
    };
    let backlogs = Worker::ALL.map(|worker| {
        let (before, now) = (count(&before, worker), count(&now, worker));
        (worker, measures::backlog(before, now, elapsed))
    });
    Ok(backlogs.to_vec())
}

async fn open_proposals(db: &PgPool) -> anyhow::Result<usize> {
    Ok(approvals::open(db, PROPOSALS_MAX).await?.len())
}

pub async fn run(status: &Status) -> anyhow::Result<ExitCode> {
    let broker = async {
        let url = status.broker.url()?;
        let asked = queue::survey(url).await;
        Some(asked.map_err(|error| format!("{error} at {}", config::host(url))))
    };
    let api = async {
        let url = status.url.as_deref()?;
        Some(ready(url).await)
    };
    let (stored, broker, api) = tokio::join!(Stored::read(&status.database), broker, api);
    let findings = Findings {
        stored: stored.map_err(|error| failure::text(&error)),
        broker,
        api,
    };
    if status.json {
        println!("{}", as_json(&findings));
    } else {
        print(&findings);
    }
    Ok(if problems(&findings).is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether the API is ready, or why it is not.
async fn ready(url: &str) -> Result<(), String> {
    let asked = async {
        let client = Client::builder().no_proxy().timeout(API_TIMEOUT).build()?;
        let url = format!("{}/readyz", url.trim_end_matches('/'));
        let response = client.get(url).send().await?;
        Ok::<_, reqwest::Error>((response.status(), response.text().await?))
    };
    match asked.await {
        Ok((StatusCode::OK, _)) => Ok(()),
        Ok((_, why)) => Err(why.chars().take(200).collect()),
        Err(_) => Err(format!("no answer at {}", config::host(url))),
    }
}

fn queue_of(findings: &Findings, load: &WorkerLoad) -> Option<QueueStatus> {
    let queues = findings.broker.as_ref()?.as_ref().ok()?;
    let queue = queues.iter().find(|queue| queue.worker == load.worker);
    queue.copied()
}

fn print(findings: &Findings) {
    let state = |result: Option<Result<String, &String>>| match result {
        None => "not checked".to_owned(),
        Some(Ok(fine)) => fine,
        Some(Err(_)) => "not usable, see below".to_owned(),
    };
    let stored = findings.stored.as_ref();
    let schema = |stored: &Stored| format!("reachable, schema {}", stored.schema.database);
    println!("database   {}", state(Some(stored.map(schema))));
    let broker = findings.broker.as_ref();
    let broker = broker.map(|asked| asked.as_ref().map(|_| "reachable".to_owned()));
    println!("broker     {}", state(broker));
    let api = findings.api.as_ref();
    let api = api.map(|asked| asked.as_ref().map(|()| "ready".to_owned()));
    println!("api        {}", state(api));
    if let Ok(stored) = stored {
        let scheduler = match stored.connections_of("scheduler") {
            Some(_) => "running",
            None => "not running",
        };
        println!("scheduler  {scheduler}\n");
        print_workers(findings, stored);
        print_endpoints(stored);
        if stored.proposals > 0 {
            println!("\n{} open: sluice proposal list", proposals(stored));
        }
    }
    let problems = problems(findings);
    if problems.is_empty() {
        println!("\nhealthy");
        return;
    }
    println!("\nneeds a person");
    for problem in problems {
        println!("  {}\n    {}", output::clean(&problem.what), problem.next);
    }
}

fn proposals(stored: &Stored) -> String {
    output::counted(
        i64::try_from(stored.proposals).unwrap_or(i64::MAX),
        "proposal",
    )
}

fn print_workers(findings: &Findings, stored: &Stored) {
    let rows: Vec<_> = stored
        .loads
        .iter()
        .map(|load| {
            let queue = queue_of(findings, load);
            let of_queue = |count: fn(QueueStatus) -> u32| {
                queue.map_or("-".to_owned(), |queue| count(queue).to_string())
            };
            let processes = stored.connections_of(load.worker.name());
            [
                load.worker.name().to_owned(),
                processes.map_or(0, |one| one.sessions).to_string(),
                of_queue(|queue| queue.consumers),
                of_queue(|queue| queue.messages),
                load.due.to_string(),
                load.running.to_string(),
                load.waiting.to_string(),
                load.parked.to_string(),
                output::seconds(load.oldest_due_seconds),
                match stored.backlog_of(load) {
                    Some(left) => output::seconds(left.as_secs().try_into().unwrap_or(i64::MAX)),
                    None => "not falling".to_owned(),
                },
            ]
        })
        .collect();
    let header = [
        "worker",
        "processes",
        "consumers",
        "queued",
        "due",
        "running",
        "scheduled",
        "parked",
        "oldest due",
        "backlog",
    ];
    output::table(header, &rows);
}

fn print_endpoints(stored: &Stored) {
    let (count, shown) = &stored.failing;
    if *count == 0 {
        return;
    }
    println!("\n{} failing", output::counted(*count, "endpoint"));
    let rows: Vec<_> = shown
        .iter()
        .map(|endpoint| {
            let paused = match endpoint.paused_until {
                Some(until) => format!("paused until {}", output::minute(until)),
                None => "-".to_owned(),
            };
            [
                endpoint.id.to_string(),
                endpoint.merchant_id.to_string(),
                endpoint.mode.name().to_owned(),
                config::host(&endpoint.url),
                output::since(endpoint.since),
                endpoint.failures.to_string(),
                paused,
            ]
        })
        .collect();
    let header = [
        "endpoint",
        "merchant",
        "mode",
        "host",
        "failing for",
        "failures",
        "state",
    ];
    output::table(header, &rows);
}

fn as_json(findings: &Findings) -> Value {
    let problems: Vec<Value> = problems(findings)
        .into_iter()
        .map(|problem| json!({ "what": problem.what, "next": problem.next }))
        .collect();
    let database = match &findings.stored {
        Ok(stored) => json!({
            "schema": stored.schema.database, "schema_expected": stored.schema.program,
        }),
        Err(why) => json!({ "error": why }),
    };
    let broker = match &findings.broker {
        None => Value::Null,
        Some(Ok(_)) => json!({}),
        Some(Err(why)) => json!({ "error": why }),
    };
    let api = match &findings.api {
        None => Value::Null,
        Some(Ok(())) => json!({ "ready": true }),
        Some(Err(why)) => json!({ "ready": false, "error": why }),
    };
    let stored = findings.stored.as_ref().ok();
    json!({
        "healthy": problems.is_empty(),
        "problems": problems,
        "database": database,
        "broker": broker,
        "api": api,
        "connections": stored.map(|stored| {
            let of = |one: &Connections| (one.process.clone(), one.connections.into());
            stored.connections.iter().map(of).collect::<serde_json::Map<_, _>>()
        }),
        "workers": stored.map(|stored| workers(findings, stored)),
        "failing_endpoints": stored.map(endpoints),
        "failing_endpoints_count": stored.map(|stored| stored.failing.0),
        "open_proposals": stored.map(|stored| stored.proposals),
    })
}

fn workers(findings: &Findings, stored: &Stored) -> Vec<Value> {
    let workers = stored.loads.iter().map(|load| {
        let queue = queue_of(findings, load);
        let processes = stored.connections_of(load.worker.name());
        json!({
            "worker": load.worker.name(),
            "processes": processes.map_or(0, |one| one.sessions),
            "consumers": queue.map(|queue| queue.consumers),
            "queued": queue.map(|queue| queue.messages),
            "due": load.due,
            "running": load.running,
            "scheduled": load.waiting,
            "parked": load.parked,
            "oldest_due_seconds": load.oldest_due_seconds,
            "backlog_seconds": stored.backlog_of(load).map(|left| left.as_secs_f64()),
        })
    });
    workers.collect()
}

fn endpoints(stored: &Stored) -> Vec<Value> {
    let endpoints = stored.failing.1.iter().map(|endpoint| {
        json!({
            "id": endpoint.id.to_string(),
            "merchant_id": endpoint.merchant_id.to_string(),
            "merchant": endpoint.merchant,
            "mode": endpoint.mode.name(),
            "surface": endpoint.surface.name(),
            "host": config::host(&endpoint.url),
            "failures": endpoint.failures,
            "failing_since": output::timestamp(endpoint.since),
            "paused_until": endpoint.paused_until.map(output::timestamp),
        })
    });
    endpoints.collect()
}
