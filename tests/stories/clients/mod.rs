//! The examples that the surfaces' documents print, each run by the program that it is written for:
//! curl, Python's requests, JavaScript's fetch.
//!
//! Each lies in its surface's folder as it is printed; only what a reader puts in, such as the host,
//! the key and an id, is put in here too. A request that is printed without a program is an .http
//! file, which `send.sh`, `send.py` and `send.mjs` send. What is answered is held against the answer
//! that is printed, a .json file beside it.

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

/// curl as the examples call it, but quiet, and telling the status after the body.
const CURL: &str = "curl() { command curl -sS -w '\\n%{http_code}\\n' \"$@\"; }\n";

/// Makes the clients of others, if they are not there yet, and says where.
pub async fn tools() -> Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let dir = root.join(".local/test/tools");
    let done = Command::new(script("tools.sh")).arg(&dir).output().await?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    ensure!(
        done.status.success(),
        "the clients of others cannot be had: {said}"
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

/// What a program printed: a body, and the status below it.
fn answer(said: &str) -> Result<Response> {
    let (text, status) = said.trim_end().rsplit_once('\n').context("no status")?;
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
    /// What is printed, and what is put in its place.
    ours: Vec<(String, String)>,
}

impl Examples {
    /// Those of a document that speaks of these hosts.
    async fn of(gateway: &Gateway, surface: &'static str, hosts: &[&str]) -> Result<Self> {
        let (url, tools) = (gateway.url(Process::Api), tools().await?);
        Ok(Self {
            surface,
            ours: hosts.iter().map(|host| pair(host, &url)).collect(),
            python: format!("{tools}/venv/bin/python"),
            url,
        })
    }

    /// The same with this in the place of what is printed.
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

    /// An example after what it takes for given.
    fn example(&self, given: &str, name: &str) -> Result<String> {
        let example = self.put_in(format!("{given}{}", self.read(name)?));
        let others = example.replace(&self.url, "");
        // Nobody else's host is ever asked; example.com is where a payer or a webhook is to go.
        ensure!(
            example.contains(&self.url) && !others.replace("://example.com/", "").contains("://"),
            "{name} does not ask the gateway alone: {example}"
        );
        Ok(example)
    }

    /// An answer as it is printed; comments are no JSON.
    fn printed(&self, name: &str) -> Result<Value> {
        let text = self.read(name)?;
        let lines = text.lines().filter(|line| !line.starts_with("//"));
        serde_json::from_str(&lines.collect::<String>()).with_context(|| name.to_owned())
    }

    /// What an example of curl is answered.
    async fn curl(&self, name: &str) -> Result<Response> {
        let example = self.example(CURL, name)?;
        answer(&run("bash", &["-s"], &example).await?).with_context(|| name.to_owned())
    }

    /// What an example in Python prints.
    async fn python(&self, given: &str, name: &str) -> Result<String> {
        let example = self.example(given, name)?;
        run(&self.python, &["-"], &example).await
    }

    /// What an example in JavaScript prints.
    async fn node(&self, given: &str, name: &str) -> Result<String> {
        let example = self.example(given, name)?;
        run("node", &["--input-type=module", "-"], &example).await
    }

    /// What a request that is printed alone is answered, asked by curl, requests and fetch in turn.
    async fn sent(&self, name: &str) -> Result<[Response; 3]> {
        let example = self.example("", name)?;
        let sent = async |program: &str, script_name: &str| {
            let said = run(program, &[&script(script_name)], &example).await?;
            answer(&said).with_context(|| format!("{name} by {script_name}"))
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
