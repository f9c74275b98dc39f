//! A gateway with a merchant's webhook endpoint.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tests::{Gateway, Options, Process, Receiver, Request, Response, until};

use crate::proxy::Proxy;

/// A little longer than any claim's lease in a [`Scene::patient`].
pub const LEASE: Duration = Duration::from_secs(56);

/// The longest wait.
pub const SOON: Duration = Duration::from_secs(30);

/// A gateway and its merchant's endpoint.
pub struct Scene {
    pub gateway: Gateway,
    pub receiver: Receiver,
}

impl Scene {
    /// Starts both. The API responds "pending" almost at once, and the card worker waits so long for
    /// the acquirer that held requests stay held.
    pub async fn patient() -> Result<Self> {
        Self::with(Options {
            wait_ms: 200,
            acquirer_timeout_ms: 15_000,
            ..Options::default()
        })
        .await
    }

    /// Starts both.
    pub async fn with(options: Options) -> Result<Self> {
        let (gateway, receiver) = (Gateway::with(options).await?, Receiver::start().await?);
        gateway.register("/v1/webhooks", &receiver.url("/")).await?;
        Ok(Self { gateway, receiver })
    }

    /// Restarts an idle process with a proxy in front of one URL of its environment.
    pub async fn detour(&self, process: Process, what: &'static str, url: &str) -> Result<Proxy> {
        let proxy = Proxy::before(url).await?;
        self.gateway.set(process, what, proxy.url());
        self.gateway.kill(process)?;
        self.gateway.launch(&[process]).await?;
        Ok(proxy)
    }

    /// Restarts all idle processes with a proxy in front of the broker.
    pub async fn before_broker(&self) -> Result<Proxy> {
        let proxy = Proxy::before(&self.gateway.amqp_url()).await?;
        let processes = Process::FIRST.into_iter();
        let processes: Vec<_> = processes.filter(|one| *one != Process::Sandbox).collect();
        for process in &processes {
            self.gateway.set(*process, "AMQP_URL", proxy.url());
            self.gateway.kill(*process)?;
        }
        self.gateway.launch(&processes).await?;
        Ok(proxy)
    }

    /// A proxy between the card worker and the acquirer.
    pub async fn before_acquirer(&self) -> Result<Proxy> {
        self.before_acquirer_of(Process::Card).await
    }

    /// A proxy between a worker and the acquirer.
    pub async fn before_acquirer_of(&self, worker: Process) -> Result<Proxy> {
        let url = self.gateway.url(Process::Sandbox);
        self.detour(worker, "SLUICE_SANDBOX_URL", &url).await
    }

    /// Pays and returns the payment's id; the response must be pending.
    pub async fn pay_pending(&self, card: &str) -> Result<String> {
        let answer = self.gateway.pay(card).await?;
        ensure!(
            (answer.status, answer.at("/status")) == (200, "pending"),
            "{}: {}",
            answer.status,
            answer.text
        );
        Ok(answer.at("/id").to_owned())
    }

    /// A payment as its merchant reads it.
    pub async fn read(&self, payment: &str) -> Result<Response> {
        self.gateway.get(&format!("/v1/payments/{payment}")).await
    }

    /// A payment's status and attempts, and what the acquirer did.
    pub async fn became(&self, payment: &str) -> Result<(String, Vec<String>, Vec<String>)> {
        let status = self.read(payment).await?.at("/status").to_owned();
        let mut did = self.gateway.acquirer_did(payment)?;
        did.sort();
        Ok((status, self.gateway.attempts(payment).await?, did))
    }

    /// Checks that the payment succeeded by its first attempt, and that the payer was charged once.
    pub async fn was_charged_once(&self, payment: &str) -> Result<()> {
        let (status, attempts, did) = self.became(payment).await?;
        ensure!(status == "succeeded", "{payment} is {status}");
        ensure!(attempts == ["approved"], "{payment}: {attempts:?}");
        ensure!(did == ["approved", "captured"], "{payment}: {did:?}");
        Ok(())
    }

    /// Waits until the only payment with a card is there, and returns its id.
    pub async fn only_payment(&self) -> Result<String> {
        until("the payment is there", SOON, async || {
            let payments = self.gateway.payments().await?;
            let with_card = payments.into_iter().find(|one| one.state != "created");
            Ok(with_card.map(|payment| payment.id))
        })
        .await
    }

    /// Waits until the acquirer has done this many things.
    pub async fn acquirer_did(&self, count: usize) -> Result<()> {
        let what = format!("the acquirer has done {count} things");
        until(&what, SOON, async || {
            Ok((self.gateway.sandbox_log()?.len() == count).then_some(()))
        })
        .await
    }

    /// Ends the test: no work is left, the endpoint received every final payment at least once,
    /// always under one event id and with its status, and all books agree.
    pub async fn finish(self) -> Result<()> {
        self.gateway.drain().await?;
        let payments = self.gateway.payments().await?.into_iter();
        let ended = payments.filter_map(|payment| match payment.state.as_str() {
            "captured" => Some((payment.id, "succeeded")),
            "failed" => Some((payment.id, "failed")),
            _ => None,
        });
        let ended: Vec<_> = ended.collect();
        ensure!(!ended.is_empty(), "no payment has ended");
        let mut sent = HashMap::<String, Vec<Request>>::new();
        for one in self.receiver.requests() {
            let id = one.json()["data"]["object"]["id"].to_string();
            sent.entry(id).or_default().push(one);
        }
        for (id, status) in ended {
            let sent = sent.remove(&format!("{id:?}")).unwrap_or_default();
            sent_as_one(&sent, &id, status)?;
        }
        self.gateway.finish().await
    }
}

/// The endpoint received an object at least once, always under one event id and with this status.
pub fn sent_as_one(sent: &[Request], id: &str, status: &str) -> Result<()> {
    let about = |one: &&Request| one.json()["data"]["object"]["id"] == id;
    let sent: Vec<_> = sent.iter().filter(about).collect();
    let texts: HashSet<&str> = sent.iter().map(|one| one.text.as_str()).collect();
    let ids: HashSet<&str> = sent.iter().map(|one| one.header("webhook-id")).collect();
    if (texts.len(), ids.len()) != (1, 1) {
        bail!("{id} was sent as {ids:?}: {texts:#?}");
    }
    let first = sent.first().context("never sent")?.json();
    ensure!(
        first["data"]["object"]["status"] == status,
        "{id} is not {status}: {first}"
    );
    Ok(())
}
