//! Clients that pay at a steady rate, whatever happens, and retry under the same key until they get a
//! response.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::Value;
use tests::{Gateway, Response, cards, example, until};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long one attempt may take.
const TRY: Duration = Duration::from_secs(12);
/// How long a client retries.
const PATIENCE: Duration = Duration::from_mins(1);

/// Why an attempt failed.
#[derive(Debug)]
pub enum Failure {
    /// The connection was refused.
    Refused,
    /// The connection broke, or there was no response.
    Broken(#[expect(dead_code, reason = "shown by Debug when a test fails")] String),
    /// The response was an error.
    Status(Response),
}

/// What one client experienced.
#[derive(Debug)]
pub struct Paid {
    pub key: String,
    pub body: Value,
    pub failures: Vec<Failure>,
    pub answer: Response,
}

/// A request: every third without a card, every ninth declined, some lost by the acquirer.
fn body(number: usize) -> Value {
    let card = match number % 9 {
        4 => cards::DECLINED,
        // Approved, but the response is lost in four ways.
        1 => cards::APPROVES_THEN_RESETS,
        3 => cards::APPROVES_WITH_HALF_A_BODY,
        6 => cards::APPROVES_WITH_500,
        7 => cards::CAPTURES_WITHOUT_RESPONSE,
        _ => cards::APPROVED,
    };
    let mut body = example(card);
    if number.is_multiple_of(3)
        && let Some(fields) = body.as_object_mut()
    {
        fields.remove("card");
    }
    body
}

async fn pay(gateway: &Gateway, number: usize) -> Result<Paid> {
    let (key, body) = (format!("load-{number}"), body(number));
    let mut failures = Vec::new();
    let answer = until("a client gets a response", PATIENCE, async || {
        let request = gateway.posting("/v1/payments", &body);
        let request = request.header("Idempotency-Key", &key);
        match timeout(TRY, gateway.send(request)).await {
            Ok(Ok(answer)) if answer.status < 500 => return Ok(Some(answer)),
            Ok(Ok(answer)) => failures.push(Failure::Status(answer)),
            Ok(Err(error)) => failures.push(failure(&error)),
            Err(_) => failures.push(Failure::Broken("no answer".to_owned())),
        }
        Ok(None)
    })
    .await?;
    Ok(Paid {
        key,
        body,
        failures,
        answer,
    })
}

fn failure(error: &anyhow::Error) -> Failure {
    match error.downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_connect() => Failure::Refused,
        _ => Failure::Broken(format!("{error:?}")),
    }
}

/// Starts a client every `pace` until `faults` is over, but at least `least`; returns once all have a
/// response.
pub async fn during(
    gateway: &Gateway,
    pace: Duration,
    least: usize,
    faults: impl Future<Output = Result<()>>,
) -> Result<Vec<Paid>> {
    clients(pace, least, faults, |number| pay(gateway, number)).await
}

/// The same with other clients.
pub async fn clients<T, C: Future<Output = Result<T>>>(
    pace: Duration,
    least: usize,
    faults: impl Future<Output = Result<()>>,
    client: impl Fn(usize) -> C,
) -> Result<Vec<T>> {
    let mut faults = std::pin::pin!(faults);
    let mut pace = interval(pace);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut asking, mut answered) = (FuturesUnordered::new(), Vec::new());
    let (mut number, mut is_over) = (0, false);
    while !is_over || number < least || !asking.is_empty() {
        tokio::select! {
            over = &mut faults, if !is_over => { over?; is_over = true }
            _ = pace.tick(), if !is_over || number < least => {
                asking.push(client(number));
                number += 1;
            }
            Some(done) = asking.next() => answered.push(done?),
        }
    }
    Ok(answered)
}

/// Checks that every client's payment exists, that a retry gets the same response, and that there are
/// no other payments.
pub async fn check_payments(gateway: &Gateway, paid: &[Paid]) -> Result<()> {
    for one in paid {
        let answer = &one.answer;
        ensure!(matches!(answer.status, 200 | 402), "{one:?}");
        let id = answer
            .body
            .pointer("/id")
            .or(answer.body.pointer("/payment_id"));
        let id = id.and_then(Value::as_str).unwrap_or_default();
        let read = gateway.get(&format!("/v1/payments/{id}")).await?;
        ensure!(read.status == 200, "{id} is missing: {one:?}");
        let request = gateway.posting("/v1/payments", &one.body);
        let again = gateway
            .send(request.header("Idempotency-Key", &one.key))
            .await?;
        ensure!(again.text == answer.text, "{again:?} is not {one:?}");
    }
    let count = gateway.count("payments").await?;
    ensure!(count == paid.len(), "{count} payments of {}", paid.len());
    Ok(())
}
