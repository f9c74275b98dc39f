//! The pages for people: all that a merchant has to know is there, and nothing is loaded from
//! anywhere else.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::Value;
use tests::{Gateway, Response};
use tokio::process::Command;
use wire::catalogue::Entry;
use wire::{finfusion, finternet, fourgeeks, paygate};

use super::SURFACES;

const CATALOGUES: [(&str, &[Entry]); 4] = [
    ("finternet", finternet::catalogue::ERRORS),
    ("paygate", paygate::catalogue::ERRORS),
    ("finfusion", finfusion::catalogue::ERRORS),
    ("fourgeeks", fourgeeks::catalogue::ERRORS),
];

async fn read(gateway: &Gateway, path: &str) -> Result<Response> {
    let page = gateway.send(gateway.request(Method::GET, path)).await?;
    ensure!(page.status == 200, "{path}: {}", page.status);
    Ok(page)
}

/// The text of the page between one heading's place and the next section.
fn section<'a>(page: &'a str, anchor: &str) -> Result<&'a str> {
    let begins = format!("id=\"{anchor}\"");
    let (_, rest) = page.split_once(&begins).context(begins)?;
    Ok(rest.split("<section").next().unwrap_or_default())
}

fn plain(html: &str) -> String {
    let marks = [
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    marks.iter().fold(html.to_owned(), |text, (mark, letter)| {
        text.replace(mark, letter)
    })
}

#[tokio::test]
async fn the_pages_load_nothing_from_elsewhere() -> Result<()> {
    let gateway = Gateway::start().await?;
    let surfaces = SURFACES.map(|name| format!("/docs/{name}"));
    let guides = ["/docs", "/docs/"].map(str::to_owned);
    for path in guides.into_iter().chain(surfaces) {
        let page = read(&gateway, &path).await?;
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'"),
            "{path}"
        );
        assert!(
            !policy.contains("unsafe") && !policy.contains("script-src"),
            "{path}"
        );
        assert!(!page.header("x-request-id").is_empty(), "{path}");
        for loading in [
            "<script", " src=", "@import", "url(", "<img", "<iframe", "style=", "onclick=",
        ] {
            assert!(!page.text.contains(loading), "{path}: {loading}");
        }
        // A link that is there to be loaded: the one to our own style.
        let links: Vec<&str> = page.text.split("<link").skip(1).collect();
        assert_eq!(links.len(), 1, "{path}");
        assert!(
            links
                .iter()
                .all(|link| link.contains("href=\"/docs/style.css\"")),
            "{path}"
        );
    }
    let style = read(&gateway, "/docs/style.css").await?;
    assert!(!style.text.contains("url(") && !style.text.contains("@import"));
    let none = gateway
        .send(gateway.request(Method::GET, "/docs/none"))
        .await?;
    assert_eq!(
        (none.status, none.at("/error/code")),
        (404, "resource_missing")
    );
    assert!(none.body["error"]["message"].is_string());
    gateway.finish().await
}

#[tokio::test]
async fn the_guide_says_what_holds_for_all_surfaces() -> Result<()> {
    let gateway = Gateway::start().await?;
    let page = read(&gateway, "/docs").await?.text;
    for (anchor, words) in [
        (
            "authentication",
            &[
                "X-API-Key: ",
                "Authorization: Bearer ",
                "curl -u ",
                "Authorization: Api-Key ",
            ][..],
        ),
        (
            "lists",
            &[
                "limit",
                "10 at a time",
                "starting_after",
                "10,000",
                "has_more",
            ],
        ),
        (
            "idempotency-key",
            &["24 hours", "Idempotent-Replayed", "409"],
        ),
        (
            "rate-limits",
            &[
                "X-RateLimit-Limit",
                "X-RateLimit-Remaining",
                "X-RateLimit-Reset",
                "Retry-After",
                "429",
            ],
        ),
        ("errors", &["X-Request-Id", "402", "amount_too_small"]),
        (
            "webhooks",
            &[
                "X-Webhook-Signature",
                "webhook-signature",
                "15 seconds",
                "/v1/webhooks",
            ],
        ),
        (
            "test-cards",
            &["4242424242424242", "4000000000000002", "4000000000064099"],
        ),
    ] {
        let section = section(&page, anchor)?;
        for word in words {
            assert!(section.contains(word), "{anchor}: {word}");
        }
        assert!(page.contains(&format!("href=\"#{anchor}\"")), "{anchor}");
    }
    for name in SURFACES {
        for place in ["first-call", "errors"] {
            let section = section(&page, place)?;
            let link = format!("href=\"/docs/{name}#{place}\"");
            assert!(section.contains(&link), "{link}");
        }
    }
    for ours in ["sandbox.env", "$SLUICE_", "127.0.0.1:8000"] {
        assert!(!page.contains(ours), "{ours}");
    }
    gateway.finish().await
}

#[tokio::test]
async fn every_surface_has_a_catalogue_of_its_errors() -> Result<()> {
    let gateway = Gateway::start().await?;
    for (name, catalogue) in CATALOGUES {
        let page = plain(&read(&gateway, &format!("/docs/{name}")).await?.text);
        let (_, errors) = page.split_once("id=\"errors\"").context("no errors")?;
        for entry in catalogue {
            assert!(errors.contains(entry.code), "{name}: {}", entry.code);
            assert!(errors.contains(&format!("id=\"error-{}\"", entry.status)));
        }
        let document = read(&gateway, &format!("/openapi/{name}.json")).await?.body;
        for methods in document["paths"].as_object().into_iter().flatten() {
            for (_, operation) in methods.1.as_object().into_iter().flatten() {
                let id = operation["operationId"].as_str().unwrap_or_default();
                assert!(page.contains(&format!("id=\"{id}\"")), "{name}: {id}");
            }
        }
        for event in document["webhooks"].as_object().into_iter().flatten() {
            assert!(page.contains(event.0), "{name}: {}", event.0);
        }
    }
    let page = read(&gateway, "/docs/fourgeeks").await?.text;
    let (_, errors) = page.split_once("id=\"errors\"").context("no errors")?;
    for member in ["detail", "code", "title", "content", "type"] {
        let shown = format!("<dt><code>{member}</code>");
        assert!(errors.contains(&shown), "{member}");
    }
    assert!(page.contains("takes no card yet"));
    gateway.finish().await
}

/// The calls of a surface's page, each with the answer that is printed below it.
fn first_calls(page: &str) -> Result<Vec<(String, Value)>> {
    let (_, rest) = page
        .split_once("id=\"first-call\"")
        .context("no first call")?;
    let blocks = rest.split("<pre").skip(1).filter_map(|block| {
        let (_, text) = block.split_once("<code>")?;
        text.split("</code>").next().map(plain)
    });
    let blocks: Vec<String> = blocks.collect();
    let pairs = blocks.iter().zip(blocks.iter().skip(1));
    let calls = pairs.filter(|(call, _)| call.starts_with("curl "));
    let calls = calls.map(|(call, answer)| Ok((call.clone(), serde_json::from_str(answer)?)));
    calls.collect()
}

/// The names in a value, in their places.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        _ => Value::Null,
    }
}

/// Whoever copies a page's first calls and puts a key in gets what the page prints.
#[tokio::test]
async fn the_first_calls_do_what_the_pages_say() -> Result<()> {
    let gateway = Gateway::start().await?;
    for name in SURFACES {
        let page = read(&gateway, &format!("/docs/{name}")).await?.text;
        let calls = first_calls(&page)?;
        assert!(!calls.is_empty(), "{name}");
        let mut made: Option<(String, String)> = None;
        for (call, printed) in calls {
            let mut call = call.replace("sk_test_YOUR_KEY", gateway.merchant.test_key.as_str());
            if let Some((printed, id)) = &made {
                call = call.replace(printed, id);
            }
            let done = Command::new("sh")
                .args([
                    "-c",
                    &call.replacen("curl ", "curl --silent --show-error ", 1),
                ])
                .stdin(Stdio::null())
                .output()
                .await?;
            let said = String::from_utf8_lossy(&done.stdout).into_owned();
            let answer: Value =
                serde_json::from_str(&said).with_context(|| format!("{call}\n{said}"))?;
            assert_eq!(shape(&answer), shape(&printed), "{call}\n{said}");
            assert_eq!(answer["status"], printed["status"], "{said}");
            let id = |value: &Value| value["id"].as_str().unwrap_or_default().to_owned();
            made = Some((id(&printed), id(&answer))).filter(|(printed, _)| !printed.is_empty());
        }
    }
    gateway.drain().await?;
    gateway.finish().await
}
