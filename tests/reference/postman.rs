//! The Postman collection that `make postman` fetches.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::Value;
use tests::Gateway;

use super::SURFACES;

/// A document of the gateway.
async fn read(gateway: &Gateway, path: &str) -> Result<Value> {
    let document = gateway.send(gateway.request(Method::GET, path)).await?;
    Ok(document.body)
}

/// What stands in double braces.
fn variables(text: &str) -> BTreeSet<&str> {
    let inner = text.split("{{").skip(1);
    inner.filter_map(|rest| rest.split("}}").next()).collect()
}

/// Method and path of each operation of a document, `get /v1/payments/:id`.
fn documented(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, methods)| {
        let path = path.replace('{', ":").replace('}', "");
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, _)| format!("{method} {path}"))
    });
    operations.collect()
}

/// Method and path of each request of a folder; every one goes to the collection's address.
fn requested(folder: &Value) -> Result<BTreeSet<String>> {
    let items = folder["item"].as_array().context("no requests")?.iter();
    let requests = items.map(|item| {
        let request = &item["request"];
        let url = request["url"]["raw"].as_str().context("no URL")?;
        let path = url.strip_prefix("{{base_url}}").context(url.to_owned())?;
        let method = request["method"].as_str().context("no method")?;
        let segments = request["url"]["path"].as_array().context("no path")?;
        let segments: Vec<&str> = segments.iter().filter_map(Value::as_str).collect();
        assert_eq!(path.split('/').skip(1).collect::<Vec<_>>(), segments);
        assert_eq!(request["url"]["host"][0], "{{base_url}}");
        assert!(item["name"].as_str().is_some_and(|name| !name.is_empty()));
        check_body(request)?;
        Ok(format!("{} {path}", method.to_ascii_lowercase()))
    });
    requests.collect()
}

/// A body that says it is JSON is.
fn check_body(request: &Value) -> Result<()> {
    match request["body"]["mode"].as_str() {
        Some("raw") => {
            let text = request["body"]["raw"].as_str().context("no text")?;
            serde_json::from_str::<Value>(text)?;
        }
        Some("urlencoded") => assert!(request["body"]["urlencoded"][0]["key"].is_string()),
        mode => assert_eq!(mode, None),
    }
    Ok(())
}

#[tokio::test]
async fn the_postman_collection_has_every_operation_of_every_surface() -> Result<()> {
    let gateway = Gateway::start().await?;
    let collection = read(&gateway, "/postman.json").await?;
    let schema = collection["info"]["schema"].as_str().unwrap_or_default();
    assert!(schema.ends_with("/v2.1.0/collection.json"), "{schema}");
    let folders = collection["item"].as_array().context("no folders")?;
    assert_eq!(folders.len(), SURFACES.len());
    for folder in folders {
        let name = folder["name"].as_str().context("no name")?;
        assert!(SURFACES.contains(&name), "{name}");
        let documented = documented(&read(&gateway, &format!("/openapi/{name}.json")).await?);
        assert!(documented.len() > 5, "{name}");
        assert_eq!(requested(folder)?, documented, "{name}");
    }
    gateway.finish().await
}

#[tokio::test]
async fn the_postman_collection_needs_an_address_and_a_key() -> Result<()> {
    let gateway = Gateway::start().await?;
    let collection = read(&gateway, "/postman.json").await?;
    let declared = collection["variable"].as_array().context("no variables")?;
    let declared: BTreeSet<&str> = declared
        .iter()
        .filter_map(|one| one["key"].as_str())
        .collect();
    assert_eq!(declared, BTreeSet::from(["base_url", "key"]));
    let text = collection["item"].to_string();
    // Postman makes a fresh one for each request.
    let used: BTreeSet<&str> = variables(&text)
        .into_iter()
        .filter(|one| *one != "$guid")
        .collect();
    assert_eq!(used, declared);
    for folder in collection["item"].as_array().into_iter().flatten() {
        let auth = folder["auth"].to_string();
        assert_eq!(variables(&auth), BTreeSet::from(["key"]), "{auth}");
    }
    gateway.finish().await
}
