//! What operators see: the metrics of each process, and log lines for programs.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use telemetry::metrics::table::ALL;
use tests::{
    Behaviour, Gateway, Options, Process, Receiver, binary, cards, example, payment_id, until,
};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The scheduler measures every ten seconds at the latest.
const SOON: Duration = Duration::from_secs(40);
/// The processes that serve metrics.
const MEASURED: [Process; 5] = [
    Process::Api,
    Process::Scheduler,
    Process::Card,
    Process::Refund,
    Process::Webhook,
];

/// A scrape: the samples by name and labels as they are written, and the types.
#[derive(Default)]
struct Scrape {
    samples: BTreeMap<String, String>,
    types: BTreeMap<String, String>,
}

impl Scrape {
    async fn of(gateway: &Gateway, process: Process) -> Result<Self> {
        let url = format!("http://{}/metrics", gateway.internal_address(process));
        let response = reqwest::get(url).await?.error_for_status()?;
        let media = response.headers().get("content-type").cloned();
        let media = media.context("no content type")?;
        ensure!(media == "text/plain; version=0.0.4; charset=utf-8");
        let text = response.text().await?;
        Self::check_with_promtool(&text).await?;
        Self::parse(&text)
    }

    /// Each line is a HELP, the TYPE after it, or a sample of that type's metric.
    fn parse(text: &str) -> Result<Self> {
        let (mut scrape, mut help, mut metric) = (Self::default(), "", "");
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                help = rest.split(' ').next().context("no name")?;
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').context("no type")?;
                ensure!(name == help, "{line}");
                let before = scrape.types.insert(name.to_owned(), kind.to_owned());
                ensure!(before.is_none(), "twice: {line}");
                metric = name;
            } else {
                let (series, value) = line.rsplit_once(' ').context("no value")?;
                let name = series.split('{').next().unwrap_or_default();
                let end = name.strip_prefix(metric);
                let is_known = ["", "_bucket", "_sum", "_count"].contains(&end.unwrap_or("?"));
                ensure!(is_known && !metric.is_empty(), "{line}");
                ensure!(value == "+Inf" || value.parse::<f64>().is_ok(), "{line}");
                let before = scrape.samples.insert(series.to_owned(), value.to_owned());
                ensure!(before.is_none(), "twice: {line}");
            }
        }
        Ok(scrape)
    }

    /// What the library of Prometheus says about the text, where it is installed.
    async fn check_with_promtool(text: &str) -> Result<()> {
        let mut promtool = Command::new("promtool");
        let promtool = promtool.args(["check", "metrics"]);
        let promtool = promtool.stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut child) = promtool.stderr(Stdio::piped()).spawn() else {
            return Ok(());
        };
        let mut input = child.stdin.take().context("no input")?;
        input.write_all(text.as_bytes()).await?;
        drop(input);
        let done = child.wait_with_output().await?;
        let output = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "{output}\n{text}");
        Ok(())
    }

    fn value(&self, series: &str) -> &str {
        self.samples.get(series).map_or("missing", String::as_str)
    }
}

/// A payment whose first response is lost, one that is refunded, a webhook that is not accepted at first,
/// and requests with texts that belong in no label.
async fn converse(gateway: &Gateway, receiver: &Receiver) -> Result<()> {
    receiver.behave_in_turn([Behaviour::Status(503), Behaviour::Status(200)]);
    let hook = receiver.url("/hidden?hidden=1");
    gateway.register("/v1/webhooks", &hook).await?;
    gateway.pay(cards::APPROVES_WITH_500).await?;
    let paid = gateway.pay(cards::APPROVED).await?;
    let refund = format!("/v1/payments/{}/refund", paid.at("/id"));
    let refunded = gateway.post(&refund, &json!({"amount": 100})).await?;
    ensure!(refunded.status == 200, "{}", refunded.text);
    gateway.drain().await?;
    gateway.get("/v1/payments/pay_hidden?hidden=1").await?;
    gateway.get("/hidden").await?;
    let strange = Method::from_bytes(b"HIDDEN")?;
    gateway.send(gateway.request(strange, "/hidden")).await?;
    Ok(())
}

fn logging_json() -> Options {
    Options {
        env: vec![
            ("SLUICE_LOG_FORMAT", "json".to_owned()),
            ("RUST_LOG", "info,api=debug".to_owned()),
        ],
        ..Options::default()
    }
}

#[tokio::test]
async fn each_process_serves_its_metrics_and_logs_json() -> Result<()> {
    let gateway = Gateway::with(logging_json()).await?;
    let receiver = Receiver::start().await?;
    converse(&gateway, &receiver).await?;
    gateway.verify().await?;
    let verified = "sluice_verify_last_run_timestamp_seconds";
    until("the last run of verify is measured", SOON, async || {
        let scrape = Scrape::of(&gateway, Process::Scheduler).await?;
        Ok(scrape.types.contains_key(verified).then_some(()))
    })
    .await?;

    let mut scrapes = BTreeMap::new();
    for process in MEASURED {
        scrapes.insert(process.name(), Scrape::of(&gateway, process).await?);
    }
    check_against_table(&scrapes)?;
    for (process, series, value) in SAMPLES {
        let scrape = scrapes.get(process).context(process)?;
        assert_eq!(scrape.value(series), value, "{process}: {series}");
    }
    let secrets = ["hidden", "HIDDEN", "pay_", "whk_", "merchant_", "127.0.0.1"];
    for scrape in scrapes.values() {
        for series in scrape.samples.keys() {
            ensure!(
                !secrets.iter().any(|text| series.contains(text)),
                "{series}"
            );
        }
    }
    for path in ["/metrics", "/api/metrics"] {
        assert_eq!(gateway.get(path).await?.status, 404, "{path}");
    }
    check_log_lines(&gateway)?;
    check_error_of_operator().await?;
    gateway.finish().await
}

/// Samples of the conversation. A payment makes an event of its customer too.
const SAMPLES: [(&str, &str, &str); 17] = [
    (
        "api",
        r#"sluice_api_requests_total{surface="paygate",method="POST",route="/v1/payments",status="2xx"}"#,
        "2",
    ),
    (
        "api",
        r#"sluice_api_request_duration_seconds_count{surface="paygate",method="POST",route="/v1/payments"}"#,
        "2",
    ),
    (
        "api",
        r#"sluice_api_requests_total{surface="paygate",method="GET",route="/v1/payments/{id}",status="4xx"}"#,
        "1",
    ),
    (
        "api",
        r#"sluice_api_requests_total{surface="finternet",method="other",route="unmatched",status="4xx"}"#,
        "1",
    ),
    (
        "api",
        r#"sluice_broker_connected{connection="replies"}"#,
        "1",
    ),
    (
        "api",
        r#"sluice_database_connections_max{pool="api"}"#,
        "16",
    ),
    (
        "card",
        r#"sluice_acquirer_calls_total{acquirer="sandbox",operation="authorize",outcome="unknown"}"#,
        "1",
    ),
    (
        "card",
        r#"sluice_acquirer_calls_total{acquirer="sandbox",operation="authorize",outcome="approved"}"#,
        "1",
    ),
    (
        "card",
        r#"sluice_acquirer_calls_total{acquirer="sandbox",operation="capture",outcome="captured"}"#,
        "2",
    ),
    (
        "refund",
        r#"sluice_acquirer_calls_total{acquirer="sandbox",operation="refund",outcome="refunded"}"#,
        "1",
    ),
    (
        "refund",
        r#"sluice_jobs_total{worker="refund",outcome="done"}"#,
        "1",
    ),
    (
        "webhook",
        r#"sluice_webhook_attempts_total{endpoint="healthy",outcome="5xx"}"#,
        "1",
    ),
    ("webhook", "sluice_messages_undecodable_total", "0"),
    ("scheduler", "sluice_verify_differences", "0"),
    (
        "scheduler",
        r#"sluice_jobs_waiting{worker="card",mode="live"}"#,
        "0",
    ),
    (
        "scheduler",
        r#"sluice_jobs_backlog_seconds{worker="card",mode="test"}"#,
        "0.000000",
    ),
    (
        "scheduler",
        r#"sluice_in_progress_bound_seconds{object="payment"}"#,
        "90000.000000",
    ),
];

/// Every metric of the table is there with its type and labels, in the processes that it names, and nothing
/// else is.
fn check_against_table(scrapes: &BTreeMap<&str, Scrape>) -> Result<()> {
    for metric in ALL {
        let (about, kind) = (metric.about(), metric.kind().name());
        let processes = match about.processes {
            "api, workers" => "api, scheduler, card, refund, webhook",
            processes => processes,
        };
        for process in processes.split(", ") {
            let scrape = scrapes.get(process).context(process)?;
            let found = scrape.types.get(about.name).map(String::as_str);
            ensure!(found == Some(kind), "{}: {process}: {found:?}", about.name);
            let labels = metric.labels();
            let of_metric = scrape.samples.keys().filter(|series| {
                let name = series.split('{').next().unwrap_or_default();
                name == about.name || name == format!("{}_count", about.name)
            });
            for series in of_metric {
                let expected: Vec<String> = labels.iter().map(|name| (*name).to_owned()).collect();
                ensure!(label_names(series) == expected, "{series}");
            }
        }
    }
    let known: BTreeSet<&str> = ALL.iter().map(|metric| metric.about().name).collect();
    for name in scrapes.values().flat_map(|scrape| scrape.types.keys()) {
        ensure!(known.contains(name.as_str()), "{name}");
    }
    Ok(())
}

fn label_names(series: &str) -> Vec<String> {
    let labels = series.split_once('{').map_or("", |(_, labels)| labels);
    let pairs = labels.trim_end_matches('}').split("\",");
    let names = pairs.filter_map(|pair| pair.split_once("=\""));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// Each line is a JSON object with time, level and message. The failed attempts are there, with what
/// happens next.
fn check_log_lines(gateway: &Gateway) -> Result<()> {
    let mut lines = BTreeMap::new();
    for process in MEASURED {
        let log = gateway.log(process);
        let read = log.lines().map(|line| {
            let line: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
            for field in ["timestamp", "level", "message", "target"] {
                ensure!(line[field].is_string(), "{line}");
            }
            Ok(line)
        });
        lines.insert(process.name(), read.collect::<Result<Vec<Value>>>()?);
    }
    let line = |process: &str, message: &str| {
        let mut of_process = lines.get(process).into_iter().flatten();
        let found = of_process.find(|line| line["message"] == message);
        found.with_context(|| format!("{process}: no line {message:?}"))
    };
    let unknown = line("card", "authorization result unknown, will enquire now")?;
    assert_eq!(unknown["attempt"], 1, "{unknown}");
    assert_eq!(unknown["acquirer"], "sandbox", "{unknown}");
    let refused = line("webhook", "webhook was not accepted, will retry")?;
    assert_eq!(refused["attempt"], 1, "{refused}");
    assert_eq!(refused["response"], "503", "{refused}");
    let retry_in = refused["retry_in"].as_str().unwrap_or_default();
    assert!(
        retry_in.starts_with('6') && retry_in.ends_with('s'),
        "{refused}"
    );
    let responded = line("api", "responded")?;
    assert!(responded["ms"].is_u64(), "{responded}");
    let merchant = gateway.merchant.merchant_id.to_string();
    let requests = lines.get("api").context("no lines")?.iter();
    let mut requests = requests.map(|line| &line["span"]);
    let is_payment =
        |span: &&Value| span["route"] == "/v1/payments" && span["merchant"] == merchant;
    ensure!(
        requests.any(|span| is_payment(&span)),
        "no request of {merchant}"
    );
    gateway.check_logs()
}

/// The operator's command reports its error in the same format.
async fn check_error_of_operator() -> Result<()> {
    let mut sluice = Command::new(binary("sluice")?);
    let sluice = sluice.args(["jobs", "list", "--log-format", "json"]);
    let done = sluice.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nowhere");
    let done = done.output().await?;
    let line: Value = serde_json::from_slice(&done.stderr)?;
    ensure!(!done.status.success() && line["level"] == "ERROR", "{line}");
    Ok(())
}

#[tokio::test]
async fn a_backlog_and_parked_jobs_are_measured() -> Result<()> {
    let gateway = Gateway::with(Options {
        wait_ms: 50,
        ..Options::default()
    })
    .await?;
    gateway.terminate(Process::Card).await?;
    let mut payments = Vec::new();
    for _ in 0..3 {
        let pending = gateway
            .post("/v1/payments", &example(cards::APPROVED))
            .await?;
        payments.push(pending.at("/id").to_owned());
    }
    let card = |name: &str| format!(r#"sluice_jobs_{name}{{worker="card",mode="test"}}"#);
    let measured = async |waiting: &str, parked: &str| {
        let what = format!("{waiting} jobs are measured as waiting and {parked} as parked");
        until(&what, SOON, async || {
            let scrape = Scrape::of(&gateway, Process::Scheduler).await?;
            let found = (
                scrape.value(&card("waiting")),
                scrape.value(&card("parked")),
            );
            Ok((found == (waiting, parked)).then_some(scrape))
        })
        .await
    };
    let scrape = measured("3", "0").await?;
    assert_eq!(scrape.value(&card("backlog_seconds")), "+Inf");
    let oldest: f64 = scrape.value(&card("oldest_waiting_seconds")).parse()?;
    let age = scrape.value(r#"sluice_in_progress_oldest_seconds{object="payment"}"#);
    let age: f64 = age.parse()?;
    // A job is due two seconds after its payment was made.
    assert!(age > oldest && age < oldest + 5.0, "{age} {oldest}");

    let park = sqlx::query("update jobs set parked_at = now() where id = $1");
    let first = payments.first().context("no payment")?;
    let park = park.bind(payment_id(first)?);
    park.execute(gateway.database()).await?;
    measured("2", "1").await?;
    gateway.operate(&["jobs", "redrive", "--all"]).await?;
    gateway.launch(&[Process::Card]).await?;
    let scrape = measured("0", "0").await?;
    assert_eq!(scrape.value(&card("backlog_seconds")), "0.000000");
    gateway.finish().await
}
