//! How much one merchant's hanging endpoints, the webhooks that wait for them and a job that always fails
//! delay the webhooks of another merchant.

use std::cell::RefCell;

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, cards, example, payment_id};
use tokio::net::TcpListener;

use crate::Plan;
use crate::figures::{Figure, ratios};
use crate::load::Load;
use crate::sink::Sink;

/// The endpoints that accept connections and never respond.
const ENDPOINTS: usize = 16;
/// The payments whose webhooks wait for each of those endpoints.
const PAYMENTS: usize = 125;
/// The load is this part of the open loop's rate: it must not be what the webhooks wait for.
const RATE_DIVISOR: u32 = 4;
/// Fewer pairs tell too little: the ninth of ten of one block varies.
const PAIRS_MIN: usize = 10;

/// From POST to webhook, p90 with the other merchant's endpoints over p90 without them.
pub async fn figures(gateway: &Gateway, sink: &Sink, plan: &Plan) -> Result<Vec<Figure>> {
    sink.register(gateway).await?;
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", silent.local_addr()?);
    let p99s = RefCell::new(Vec::new());
    let load = Load::new(gateway);
    let block = async |endpoints| {
        let hooks = register(gateway, &url, endpoints).await?;
        for _ in 0..PAYMENTS {
            let payment = example(cards::DECLINED);
            as_other(gateway, Method::POST, "/v1/payments", Some(&payment)).await?;
        }
        let poison = if endpoints > 0 {
            Some(poison(gateway).await?)
        } else {
            None
        };
        sink.forget();
        load.open(plan.rate / RATE_DIVISOR, plan.block(), sink)
            .await?;
        let latencies = sink.latencies();
        if endpoints > 0 {
            let p99 = latencies.value_at_quantile(0.99) as f64 / 1e3;
            p99s.borrow_mut().push(p99);
        }
        // Their deliveries are canceled.
        for hook in hooks {
            as_other(
                gateway,
                Method::DELETE,
                &format!("/v1/webhooks/{hook}"),
                None,
            )
            .await?;
        }
        if let Some(payment) = poison {
            gateway.accept_history().await?;
            gateway.wake(&payment).await?;
        }
        gateway.drain().await?;
        Ok(latencies.value_at_quantile(0.9) as f64 / 1e3)
    };
    let (with, without) = (async || block(ENDPOINTS).await, async || block(0).await);
    let pairs = plan.pairs.max(PAIRS_MIN);
    let ratios = ratios("ms with", "ms without", pairs, with, without).await?;
    Ok(vec![
        Figure::at_most("isolation: p90 over p90 without", ratios, 1.2),
        Figure::plain("isolation: p99 (ms)", p99s.into_inner()),
    ])
}

/// Registers endpoints of the other merchant.
async fn register(gateway: &Gateway, url: &str, count: usize) -> Result<Vec<String>> {
    let mut hooks = Vec::new();
    for _ in 0..count {
        let hook = json!({"url": url, "events": ["payment.failed"]});
        let made = as_other(gateway, Method::POST, "/v1/webhooks", Some(&hook)).await?;
        hooks.push(id_of(&made));
    }
    Ok(hooks)
}

/// A payment that expires now, which cannot be written.
async fn poison(gateway: &Gateway) -> Result<String> {
    let mut payment = example(cards::DECLINED);
    if let Some(fields) = payment.as_object_mut() {
        fields.remove("card");
    }
    let made = as_other(gateway, Method::POST, "/v1/payments", Some(&payment)).await?;
    let payment = id_of(&made);
    gateway.refuse_history_of(&payment).await?;
    let expire = sqlx::query("update payments set expires_at = now() where id = $1");
    let expire = expire.bind(payment_id(&payment)?);
    expire.execute(gateway.database()).await?;
    gateway.wake(&payment).await?;
    Ok(payment)
}

fn id_of(made: &Value) -> String {
    let id = made.get("id").and_then(Value::as_str);
    id.unwrap_or_default().to_owned()
}

async fn as_other(
    gateway: &Gateway,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Value> {
    let request = gateway.request(method, path);
    let request = request.bearer_auth(gateway.other_merchant.test_key.as_str());
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let answer = gateway.send(request).await?;
    ensure!([200, 204, 402].contains(&answer.status), "{}", answer.text);
    Ok(answer.body)
}
