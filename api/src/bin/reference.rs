//! Writes the API reference to standard output, without a gateway: `reference postman`,
//! `reference openapi`, `reference openapi paygate`.

use std::io::{Write, stdout};

use anyhow::{Context, bail};
use domain::surface::Surface;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let document = match words.as_slice() {
        ["postman"] => api::openapi::postman(),
        ["openapi"] => api::openapi::openapi(None),
        ["openapi", name] => {
            let surface = Surface::parse(name).context("no such surface")?;
            api::openapi::openapi(Some(surface))
        }
        _ => bail!("usage: reference postman | openapi [SURFACE]"),
    };
    let text = serde_json::to_string_pretty(&document)?;
    Ok(writeln!(stdout(), "{text}")?)
}
