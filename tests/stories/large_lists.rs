//! Lists of objects as large as they can be, and clients that do not read them.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Process, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// So many of these objects are more than three pages.
const OBJECTS: usize = 60;

/// The largest body that a page may have: 1 MiB of metadata, and what else its objects have.
const PAGE_MAX: usize = (1 << 20) + 100_000;

/// Almost as much metadata as a request can hold.
fn metadata() -> Value {
    let texts = json!(vec!["x".repeat(480); 3]);
    let members = (0..40).map(|number| (number.to_string(), texts.clone()));
    Value::Object(members.collect())
}

/// Reads a list page by page; returns the ids of all its objects.
async fn walk(gateway: &Gateway, path: &str) -> Result<Vec<String>> {
    let (mut ids, mut query) = (Vec::new(), "limit=100".to_owned());
    loop {
        let request = gateway.request(Method::GET, &format!("{path}?{query}"));
        let key = gateway.merchant.test_key.as_str();
        let request = if path == "/v1/payment-intents" {
            request.header("X-API-Key", key)
        } else {
            request.bearer_auth(key)
        };
        let page = gateway.send(request).await?;
        ensure!(page.status == 200, "{path}: {}", page.text);
        ensure!(page.text.len() < PAGE_MAX, "{path}: {}", page.text.len());
        let has_more = page.body.get("has_more").or(page.body.get("hasMore"));
        let has_more = has_more.and_then(Value::as_bool).context("no has_more")?;
        let data = page.body["data"].as_array().context("no data")?;
        let found = data.iter().filter_map(|one| one["id"].as_str());
        ids.extend(found.map(str::to_owned));
        if !has_more {
            return Ok(ids);
        }
        let last = ids.last().context("an empty page that is not the last")?;
        query = format!("limit=100&starting_after={last}");
    }
}

/// Resident memory of the API, KiB.
fn memory(gateway: &Gateway) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.pid(Process::Api)?))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.context("no VmRSS")?.trim().parse()?)
}

/// A client that asks for a list, and has read the first byte of it.
async fn deaf(gateway: &Gateway) -> Result<TcpStream> {
    let key = gateway.merchant.test_key.as_str();
    let mut client = TcpStream::connect(gateway.address(Process::Api)).await?;
    let request = format!(
        "GET /v1/payments?limit=100 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
    );
    client.write_all(request.as_bytes()).await?;
    client.read_exact(&mut [0]).await?;
    Ok(client)
}

#[tokio::test]
async fn pages_of_large_objects_end_early_and_nothing_is_left_out() -> Result<()> {
    let gateway = Gateway::start().await?;
    let (key, metadata) = (gateway.merchant.test_key.as_str(), &metadata());
    let creating = stream::iter(0..OBJECTS).map(async |number| {
        let payment = json!({
            "amount": 5000, "currency": "USD", "payment_method": "card", "metadata": metadata,
        });
        let customer = json!({ "email": format!("{number}@example.com"), "metadata": metadata });
        let intent = json!({
            "amount": "5.00", "currency": "USD", "type": "DELIVERY_VS_PAYMENT",
            "metadata": metadata,
        });
        for (path, body, status) in [
            ("/v1/payments", payment, 200),
            ("/v1/customers", customer, 200),
            ("/v1/payment-intents", intent, 201),
        ] {
            let request = gateway.request(Method::POST, path).json(&body);
            let request = if status == 201 {
                request.header("X-API-Key", key)
            } else {
                request.bearer_auth(key)
            };
            let created = gateway.send(request).await?;
            ensure!(created.status == status, "{path}: {}", created.text);
        }
        Ok(())
    });
    creating.buffered(4).try_collect::<Vec<()>>().await?;
    for path in [
        "/v1/payments",
        "/v1/transactions",
        "/v2/payments",
        "/v1/customers",
        "/v1/payment-intents",
    ] {
        let mut ids = walk(&gateway, path).await?;
        ids.dedup();
        assert_eq!(ids.len(), OBJECTS, "{path}");
    }

    let before = memory(&gateway)?;
    let deaf = try_join_all((0..30).map(|_| deaf(&gateway))).await?;
    let grown = memory(&gateway)?.saturating_sub(before);
    ensure!(grown < 48 * 1024, "30 clients cost {grown} KiB");
    drop(deaf);
    until("the memory is free", Duration::from_secs(10), async || {
        Ok((memory(&gateway)? < before + 24 * 1024).then_some(()))
    })
    .await?;

    // Such clients do not keep the process from ending.
    let deaf = self::deaf(&gateway).await?;
    let started = Instant::now();
    gateway.terminate(Process::Api).await?;
    ensure!(started.elapsed() < Duration::from_secs(15));
    drop(deaf);
    gateway.launch(&[Process::Api]).await?;
    gateway.finish().await
}
