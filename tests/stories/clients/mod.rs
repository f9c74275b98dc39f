//! The examples of the surfaces' documents, each run by the program that it is written for:
//! curl, Python's requests, JavaScript's fetch.
//!
//! Each is in its surface's folder as documented; only what a reader replaces, such as the host, the
//! key and an id, is replaced here too. A request without a program is an .http file, which `send.sh`,
//! `send.py` and `send.mjs` send. Responses are compared with the documented ones, .json files beside
//! them.

mod finfusion;
mod finternet;
mod fourgeeks;
mod paygate;
mod shown;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use reqwest::header::HeaderMap;
use serde_json::Value;
use tests::{Gateway, Process, Response};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// curl as the examples call it, but quiet, and printing the status after the body.
const CURL: &str = "curl() { command curl -sS -w '\\n%{http_code}\\n' \"$@\"; }\n";

/// Installs third-party clients, if they are missing, and returns their directory.
pub async fn tools() -> Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let dir = root.join(".local/test/tools");
    let done = Command::new(script("tools.sh")).arg(&dir).output().await?;
    let output = String::from_utf8_lossy(&done.stderr).into_owned();
    ensure!(
        done.status.success(),
        "third-party clients cannot be installed: {output}"
    );
    Ok(dir.canonicalize()?.display().to_string())
}

/// The path of a file beside this one.
pub fn script(name: &str) -> String {
    format!("{}/stories/clients/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Runs a program with this input, and returns its output.
pub async fn run(program: &str, arguments: &[&str], input: &str) -> Result<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no input")?;
    stdin.write_all(input.as_bytes()).await?;
    drop(stdin);
    let done = child.wait_with_output().await?;
    let wrong = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{program} {arguments:?}: {wrong}");
    Ok(String::from_utf8(done.stdout)?)
}

/// The response that a program printed: a body, and the status below it.
fn answer(output: &str) -> Result<Response> {
    let (text, status) = output.trim_end().rsplit_once('\n').context("no status")?;
    Ok(Response {
        status: status.parse()?,
        // No example prints them.
        headers: HeaderMap::new(),
        body: serde_json::from_str(text).with_context(|| text.to_owned())?,
        text: text.trim_end().to_owned(),
    })
}

/// The examples of one surface's document.
#[derive(Clone)]
struct Examples {
    surface: &'static str,
    url: String,
    python: String,
    /// Documented texts, and what replaces them.
    ours: Vec<(String, String)>,
}

impl Examples {
    /// Those of a document with these hosts.
    async fn of(gateway: &Gateway, surface: &'static str, hosts: &[&str]) -> Result<Self> {
        let (url, tools) = (gateway.url(Process::Api), tools().await?);
        Ok(Self {
            surface,
            ours: hosts.iter().map(|host| pair(host, &url)).collect(),
            python: format!("{tools}/venv/bin/python"),
            url,
        })
    }

    /// The same with another replacement.
    fn with(&self, printed: &str, ours: &str) -> Self {
        let mut examples = self.clone();
        examples.ours.push(pair(printed, ours));
        examples
    }

    fn put_in(&self, text: String) -> String {
        let put_in = |text: String, (printed, ours): &(String, String)| text.replace(printed, ours);
        self.ours.iter().fold(text, put_in)
    }

    fn read(&self, name: &str) -> Result<String> {
        let path = script(&format!("{}/{name}", self.surface));
        fs::read_to_string(&path).context(path)
    }

    /// An example after the code that it assumes.
    fn example(&self, preamble: &str, name: &str) -> Result<String> {
        let example = self.put_in(format!("{preamble}{}", self.read(name)?));
        let others = example.replace(&self.url, "");
        // No other host may be called; example.com only stands in return and webhook URLs.
        ensure!(
            example.contains(&self.url) && !others.replace("://example.com/", "").contains("://"),
            "{name} does not ask the gateway alone: {example}"
        );
        Ok(example)
    }

    /// A documented response, without its comments.
    fn printed(&self, name: &str) -> Result<Value> {
        let text = self.read(name)?;
        let lines = text.lines().filter(|line| !line.starts_with("//"));
        serde_json::from_str(&lines.collect::<String>()).with_context(|| name.to_owned())
    }

    /// The response to an example of curl.
    async fn curl(&self, name: &str) -> Result<Response> {
        let example = self.example(CURL, name)?;
        answer(&run("bash", &["-s"], &example).await?).with_context(|| name.to_owned())
    }

    /// What an example in Python prints.
    async fn python(&self, preamble: &str, name: &str) -> Result<String> {
        let example = self.example(preamble, name)?;
        run(&self.python, &["-"], &example).await
    }

    /// What an example in JavaScript prints.
    async fn node(&self, preamble: &str, name: &str) -> Result<String> {
        let example = self.example(preamble, name)?;
        run("node", &["--input-type=module", "-"], &example).await
    }

    /// The responses to a request that is sent by curl, requests and fetch in turn.
    async fn sent(&self, name: &str) -> Result<[Response; 3]> {
        let example = self.example("", name)?;
        let sent = async |program: &str, script_name: &str| {
            let output = run(program, &[&script(script_name)], &example).await?;
            answer(&output).with_context(|| format!("{name} by {script_name}"))
        };
        Ok([
            sent("bash", "send.sh").await?,
            sent(&self.python, "send.py").await?,
            sent("node", "send.mjs").await?,
        ])
    }

    /// The value that Python has printed.
    async fn python_value(&self, printed: &str) -> Result<Value> {
        let read = "import ast, json, sys; print(json.dumps(ast.literal_eval(sys.stdin.read())))";
        let json = run(&self.python, &["-c", read], printed).await?;
        serde_json::from_str(&json).context(json)
    }

    /// The value that Node.js has printed.
    async fn node_value(&self, printed: &str) -> Result<Value> {
        let read = "JSON.stringify(eval(`(${require('fs').readFileSync(0)})`))";
        let json = run("node", &["-p", read], printed).await?;
        serde_json::from_str(&json).context(json)
    }
}

fn pair(printed: &str, ours: &str) -> (String, String) {
    (printed.to_owned(), ours.to_owned())
}
