//! Random requests are accepted or refused: never an internal error, and the books agree after.

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use futures::stream::iter;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Response, cards, example};

use super::check_error;

/// How many requests each test makes.
const CASES: usize = 300;
/// How many are in flight at once.
const AT_ONCE: usize = 16;

fn any_json() -> impl Strategy<Value = Value> {
    let odd = [
        json!(null),
        json!(""),
        json!(0),
        json!(-1),
        json!(50),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
        json!(-0.0),
        json!("\u{0}"),
        json!("\u{202e}"),
        json!("USD"),
        json!("card"),
        json!(cards::DECLINED),
        json!({}),
        json!([]),
        json!([[[[]]]]),
    ];
    let leaf = prop_oneof![
        prop::sample::select(odd.to_vec()),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "[0-9 -]{8,24}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,8}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The example with up to three members replaced or added, anywhere.
fn any_payment() -> impl Strategy<Value = Value> {
    let places = vec![
        ("", "amount"),
        ("", "currency"),
        ("", "payment_method"),
        ("", "customer"),
        ("", "card"),
        ("", "description"),
        ("", "metadata"),
        ("", "extra"),
        ("/customer", "email"),
        ("/customer", "name"),
        ("/customer", "phone"),
        ("/card", "number"),
        ("/card", "exp_month"),
        ("/card", "exp_year"),
        ("/card", "cvc"),
        ("/card", "extra"),
    ];
    let change = (prop::sample::select(places), any_json());
    prop::collection::vec(change, 1..=3).prop_map(|changes| {
        let mut body = example(cards::APPROVED);
        for ((parent, name), value) in changes {
            if let Some(Value::Object(parent)) = body.pointer_mut(parent) {
                parent.insert(name.to_owned(), value);
            }
        }
        body
    })
}

/// Some values as JSON texts.
fn some<T: ToString>(strategy: impl Strategy<Value = T>) -> Result<Vec<String>> {
    let mut runner = TestRunner::default();
    let one = |_| match strategy.new_tree(&mut runner) {
        Ok(tree) => Ok(tree.current().to_string()),
        Err(why) => anyhow::bail!("nothing was made: {why}"),
    };
    (0..CASES).map(one).collect()
}

fn check(what: &str, answer: &Response) -> Result<()> {
    ensure!(
        matches!(answer.status, 200 | 400 | 401),
        "{what}: {} {}",
        answer.status,
        answer.text
    );
    if answer.status == 200 {
        let status = answer.at("/status");
        ensure!(
            ["succeeded", "failed", "pending", "active", ""].contains(&status),
            "{what}: {}",
            answer.text
        );
        return Ok(());
    }
    check_error(answer).map_err(|error| error.context(format!("{what}: {}", answer.text)))
}

async fn post_all(gateway: &Gateway, path: &str, bodies: Vec<String>) -> Result<usize> {
    let requests = iter(bodies).map(|body| async move {
        let request = gateway
            .request(Method::POST, path)
            .bearer_auth(gateway.merchant.test_key.as_str())
            .header("Content-Type", "application/json")
            .body(body.clone());
        let answer = gateway.send(request).await?;
        if path.starts_with("/v1") {
            check(&body, &answer)?;
        }
        ensure!(answer.status < 500, "{body}: {}", answer.text);
        Ok(answer.status == 200)
    });
    let taken: Vec<Result<bool>> = requests.buffer_unordered(AT_ONCE).collect().await;
    let taken: Vec<bool> = taken.into_iter().collect::<Result<_>>()?;
    Ok(taken.into_iter().filter(|taken| *taken).count())
}

#[tokio::test]
async fn any_payment_is_accepted_or_refused() -> Result<()> {
    let gateway = Gateway::start().await?;
    let mut taken = post_all(&gateway, "/v1/payments", some(any_payment())?).await?;
    taken += post_all(&gateway, "/v1/payments", some(any_json())?).await?;
    taken += post_all(&gateway, "/v1/payments", some("\\PC{0,60}")?).await?;
    gateway.drain().await?;
    assert_eq!(gateway.count("payments").await?, taken);
    gateway.finish().await
}

#[tokio::test]
async fn any_endpoint_is_accepted_or_refused() -> Result<()> {
    let gateway = Gateway::start().await?;
    let member = prop::sample::select(vec!["url", "events", "metadata", "signature", "extra"]);
    let changes = prop::collection::vec((member, any_json()), 1..=2);
    let endpoint = changes.prop_map(|changes| {
        let mut body = json!({"url": "https://example.com/hook"});
        for (name, value) in changes {
            body[name] = value;
        }
        body
    });
    for path in ["/v1/webhooks", "/v2/webhooks"] {
        let bodies = some(&endpoint)?;
        post_all(&gateway, path, bodies).await?;
    }
    gateway.finish().await
}

/// An object of known members and an unknown one.
fn any_object() -> impl Strategy<Value = Value> {
    let names = vec![
        "email",
        "name",
        "phone",
        "description",
        "metadata",
        "amount",
        "reason",
        "client_id",
        "client_secret",
        "payment_method",
        "extra",
    ];
    let member = (prop::sample::select(names), any_json());
    let members = prop::collection::vec(member, 0..=4);
    members.prop_map(|members| {
        let members = members.into_iter();
        members
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    })
}

#[tokio::test]
async fn any_other_body_is_accepted_or_refused() -> Result<()> {
    let gateway = Gateway::start().await?;
    let paid = gateway.pay(cards::APPROVED).await?;
    let refund = |version: &str| format!("{version}/payments/{}/refund", paid.at("/id"));
    for path in [
        "/v1/customers".to_owned(),
        refund("/v1"),
        "/v1/auth/token".to_owned(),
        "/v2/customers".to_owned(),
        refund("/v2"),
        "/v2/payments".to_owned(),
    ] {
        let bodies = some(prop_oneof![any_object(), any_json()])?;
        let answered = post_all(&gateway, &path, bodies).await;
        answered.with_context(|| path.clone())?;
    }
    gateway.finish().await
}

#[tokio::test]
async fn any_query_is_answered_or_refused() -> Result<()> {
    let gateway = Gateway::start().await?;
    gateway.pay(cards::APPROVED).await?;
    let query = "((limit|offset|status|from_date|to_date|starting_after)=\\PC{0,12}&){0,3}";
    for path in ["/v1/transactions", "/v1/customers", "/v2/payments"] {
        let requests = iter(some(query)?).map(|query| {
            let gateway = &gateway;
            async move {
                let answer = gateway.get(&format!("{path}?{query}")).await?;
                let is_known = matches!(answer.status, 200 | 400);
                ensure!(is_known, "{query}: {} {}", answer.status, answer.text);
                Ok(())
            }
        });
        let answered: Vec<Result<()>> = requests.buffer_unordered(AT_ONCE).collect().await;
        answered.into_iter().collect::<Result<Vec<_>>>()?;
    }
    gateway.finish().await
}
