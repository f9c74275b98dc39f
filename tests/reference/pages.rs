//! The pages for people: the guide, and the reference with every operation. Nothing is loaded from
//! anywhere else.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::Value;
use tests::{Gateway, Response};
use tokio::process::Command;

use super::SURFACES;

const GUIDE: [&str; 12] = [
    "/docs",
    "/docs/",
    "/docs/surfaces",
    "/docs/authentication",
    "/docs/payments",
    "/docs/refunds",
    "/docs/webhooks",
    "/docs/idempotency",
    "/docs/lists",
    "/docs/errors",
    "/docs/rate-limits",
    "/docs/test-cards",
];

async fn read(gateway: &Gateway, path: &str) -> Result<Response> {
    let page = gateway.send(gateway.request(Method::GET, path)).await?;
    ensure!(page.status == 200, "{path}: {}", page.status);
    Ok(page)
}

/// The local addresses that a page links to, loads or embeds.
fn addresses(page: &str) -> Vec<&str> {
    let parts = ["href=\"", "src=\""].into_iter().flat_map(|name| {
        let parts = page.split(name).skip(1);
        parts.filter_map(|rest| rest.split('"').next())
    });
    parts.collect()
}

#[tokio::test]
async fn the_guide_loads_only_our_style_and_its_links_lead_somewhere() -> Result<()> {
    let gateway = Gateway::start().await?;
    for path in GUIDE {
        let page = read(&gateway, path).await?;
        let policy = page.header("content-security-policy");
        let strict = "default-src 'none'; style-src 'self'";
        assert!(policy.starts_with(strict), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"));
        assert!(!page.header("x-request-id").is_empty(), "{path}");
        for loading in ["<script", " src=", "<img", "<iframe", "style=", "onclick="] {
            assert!(!page.text.contains(loading), "{path}: {loading}");
        }
        for address in addresses(&page.text) {
            if address.starts_with('/') {
                let target = address.split('#').next().unwrap_or_default();
                read(&gateway, target).await?;
            }
            if address.starts_with("data:") {
                assert!(policy.contains("img-src data:"), "{path}: {policy}");
            }
        }
    }
    let none = gateway.request(Method::GET, "/docs/none");
    let none = gateway.send(none).await?;
    assert_eq!(
        (none.status, none.at("/error/code")),
        (404, "resource_missing")
    );
    gateway.finish().await
}

#[tokio::test]
async fn the_reference_is_served_by_the_gateway_alone() -> Result<()> {
    let gateway = Gateway::start().await?;
    let page = read(&gateway, "/docs/reference").await?;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert!(policy.contains("connect-src 'self';"), "{policy}");
    assert!(!policy.contains("http"), "{policy}");
    for name in SURFACES {
        assert!(page.text.contains(name), "{name}");
    }
    let scripts = addresses(&page.text);
    let bundle = scripts.iter().find(|one| one.starts_with("/docs/scalar-"));
    let bundle = *bundle.context("no bundle")?;
    let script = read(&gateway, bundle).await?;
    assert_eq!(script.header("content-encoding"), "gzip");
    assert!(script.header("cache-control").contains("immutable"));
    let tag = script.header("etag");
    let known = gateway
        .request(Method::GET, bundle)
        .header("if-none-match", tag);
    assert_eq!(gateway.send(known).await?.status, 304);
    for path in [
        "/docs",
        "/docs/reference",
        "/docs/style.css",
        "/openapi.json",
        "/postman.json",
    ] {
        let plain = read(&gateway, path).await?;
        let ask = |name: &'static str, value: &str| {
            gateway.send(gateway.request(Method::GET, path).header(name, value))
        };
        let known = ask("if-none-match", plain.header("etag")).await?;
        assert_eq!((known.status, known.text.as_str()), (304, ""), "{path}");
        let gzip = ask("accept-encoding", "gzip").await?;
        assert_eq!(gzip.header("content-encoding"), "gzip", "{path}");
        let length = gzip.number("content-length")?;
        assert!(length < plain.number("content-length")?, "{path}");
        assert_eq!(gzip.header("vary"), "Accept-Encoding", "{path}");
    }
    gateway.finish().await
}

/// The first `curl` of the guide's first page pays, once a merchant puts a key in.
#[tokio::test]
async fn the_first_call_of_the_guide_pays() -> Result<()> {
    let gateway = Gateway::start().await?;
    let guide = include_str!("../../api/docs/index.md");
    let mut blocks = guide.split("```").skip(1).step_by(2);
    let call = blocks.find_map(|block| block.find("curl ").and_then(|at| block.get(at..)));
    let call = call.context("no call")?;
    let url = gateway.url(tests::Process::Api);
    let base = call
        .split("/v1/")
        .next()
        .and_then(|start| start.rsplit([' ', '"', '\'']).next());
    let call = call
        .replace(base.context("no address")?, &url)
        .replace("sk_test_YOUR_KEY", gateway.merchant.test_key.as_str())
        .replacen("curl ", "curl --silent --show-error ", 1);
    let done = Command::new("sh")
        .args(["-c", &call])
        .stdin(Stdio::null())
        .output()
        .await?;
    let answer: Value = serde_json::from_slice(&done.stdout).with_context(|| call.clone())?;
    assert_eq!(answer["status"], "succeeded", "{call}\n{answer}");
    gateway.drain().await?;
    gateway.finish().await
}
