//! The API reference in others' hands: their linter, the clients their generators make of it, and
//! their fuzzer, which sends what the documents allow and what they do not.

#![expect(
    clippy::indexing_slicing,
    reason = "JSON is read by its members; one that is missing is null and fails its assertion"
)]

mod pages;
mod postman;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Gateway, Process};
use tokio::process::Command;

const SURFACES: [&str; 4] = ["finternet", "paygate", "finfusion", "fourgeeks"];

/// What is checked of every answer: no 5xx, and nothing that the document does not say.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance";

/// Requests of each kind that the fuzzer makes for each operation.
const EXAMPLES: &str = "8";

/// The tools of others, made if they are not there yet.
struct Tools {
    dir: PathBuf,
}

impl Tools {
    async fn install() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let dir = root.join(".local/test/reference");
        let done = Command::new(beside("tools.sh")).arg(&dir).output().await?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        ensure!(done.status.success(), "{said}");
        let dir = dir.canonicalize()?;
        Ok(Self { dir })
    }

    fn python(&self, name: &str) -> PathBuf {
        self.dir.join("venv/bin").join(name)
    }

    fn node(&self, name: &str) -> PathBuf {
        self.dir.join("node/node_modules/.bin").join(name)
    }
}

/// A file beside this one.
fn beside(name: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference");
    here.join(name)
}

/// Runs a program in a folder, and returns what it printed.
async fn run(program: &Path, arguments: &[&str], dir: &Path) -> Result<String> {
    let done = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .env("PYTHONPATH", dir)
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .stdin(Stdio::null())
        .output()
        .await
        .with_context(|| program.display().to_string())?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&done.stderr);
    ensure!(
        done.status.success(),
        "{} {arguments:?}\n{text}{wrong}",
        program.display()
    );
    Ok(text)
}

/// Writes a document of the gateway's into a folder.
async fn store(gateway: &Gateway, path: &str, file: &Path) -> Result<()> {
    let document = gateway.send(gateway.request(Method::GET, path)).await?;
    ensure!(document.status == 200, "{path}: {}", document.text);
    Ok(fs::write(file, document.text)?)
}

#[tokio::test]
async fn the_documents_are_clean() -> Result<()> {
    let (gateway, tools) = (Gateway::start().await?, Tools::install().await?);
    let dir = gateway.directory();
    let rules = beside("redocly.yaml").display().to_string();
    let mut arguments = vec!["lint", "--config", &rules];
    store(&gateway, "/openapi.json", &dir.join("all.json")).await?;
    for name in SURFACES {
        let file = dir.join(format!("{name}.json"));
        store(&gateway, &format!("/openapi/{name}.json"), &file).await?;
    }
    let files = [
        "all.json",
        "paygate.json",
        "finfusion.json",
        "finternet.json",
        "fourgeeks.json",
    ];
    arguments.extend(files);
    run(&tools.node("redocly"), &arguments, dir).await?;
    gateway.finish().await
}

fn check_paid(said: &str) -> Result<()> {
    let said: Value = serde_json::from_str(said).with_context(|| said.to_owned())?;
    let expected =
        json!({ "status": "succeeded", "read": "succeeded", "missing": "resource_missing" });
    assert_eq!(said, expected);
    Ok(())
}

#[tokio::test]
async fn a_generated_typescript_client_pays() -> Result<()> {
    let (gateway, tools) = (Gateway::start().await?, Tools::install().await?);
    // Below the packages, where Node looks for them.
    let dir = tools.dir.join("node").join(gateway.name());
    fs::create_dir(&dir)?;
    fs::copy(beside("pay.ts"), dir.join("pay.ts"))?;
    store(&gateway, "/openapi/paygate.json", &dir.join("paygate.json")).await?;
    let generate = ["paygate.json", "-o", "paygate.ts"];
    run(&tools.node("openapi-typescript"), &generate, &dir).await?;
    let compile = [
        "--strict",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--lib",
        "es2022,dom",
        "pay.ts",
    ];
    fs::write(
        dir.join("globals.d.ts"),
        "declare const process: { argv: string[] };\n",
    )?;
    let compile: Vec<&str> = compile.into_iter().chain(["globals.d.ts"]).collect();
    run(&tools.node("tsc"), &compile, &dir).await?;
    let (url, key) = (
        gateway.url(Process::Api),
        gateway.merchant.test_key.as_str(),
    );
    check_paid(&run(Path::new("node"), &["pay.js", &url, key], &dir).await?)?;
    fs::remove_dir_all(dir)?;
    gateway.finish().await
}

#[tokio::test]
async fn a_generated_python_client_pays() -> Result<()> {
    let (gateway, tools) = (Gateway::start().await?, Tools::install().await?);
    let dir = gateway.directory();
    store(&gateway, "/openapi/paygate.json", &dir.join("paygate.json")).await?;
    let generate = [
        "generate",
        "--path",
        "paygate.json",
        "--output-path",
        "client",
        "--meta",
        "none",
    ];
    run(&tools.python("openapi-python-client"), &generate, dir).await?;
    let (url, key) = (
        gateway.url(Process::Api),
        gateway.merchant.test_key.as_str(),
    );
    let script = beside("pay.py").display().to_string();
    check_paid(&run(&tools.python("python"), &[&script, &url, key], dir).await?)?;
    gateway.finish().await
}

/// Sends requests of all kinds, and checks that every answer is one that the document says.
async fn fuzz(surface: &str, header: impl Fn(&str) -> String) -> Result<()> {
    let (gateway, tools) = (Gateway::start().await?, Tools::install().await?);
    let dir = gateway.directory();
    store(
        &gateway,
        &format!("/openapi/{surface}.json"),
        &dir.join("document.json"),
    )
    .await?;
    // A payment, so that there is something to find.
    gateway.pay("4242424242424242").await?;
    let url = gateway.url(Process::Api);
    let header = header(gateway.merchant.test_key.as_str());
    let arguments = [
        "run",
        "document.json",
        "--url",
        &url,
        "--header",
        &header,
        "--checks",
        CHECKS,
        "--max-examples",
        EXAMPLES,
        "--phases",
        "examples,coverage,fuzzing",
        "--mode",
        "all",
        "--seed",
        "1",
        "--request-timeout",
        "20",
        "--no-color",
    ];
    run(&tools.python("st"), &arguments, dir).await?;
    gateway.drain().await?;
    gateway.finish().await
}

fn bearer(key: &str) -> String {
    format!("Authorization: Bearer {key}")
}

#[tokio::test]
async fn paygate_answers_as_its_document_says() -> Result<()> {
    fuzz("paygate", bearer).await
}

#[tokio::test]
async fn finfusion_answers_as_its_document_says() -> Result<()> {
    fuzz("finfusion", bearer).await
}

#[tokio::test]
async fn fourgeeks_answers_as_its_document_says() -> Result<()> {
    let basic = |key: &str| format!("Authorization: Basic {}", BASE64.encode(format!("{key}:")));
    fuzz("fourgeeks", basic).await
}

#[tokio::test]
async fn finternet_answers_as_its_document_says() -> Result<()> {
    fuzz("finternet", |key| format!("X-API-Key: {key}")).await
}
