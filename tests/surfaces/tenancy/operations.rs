//! Every operation: those of the gateway's reference, and those that only its routers have.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use domain::surface::Surface;
use reqwest::Method;
use serde_json::{Value, json};
use tests::Gateway;

use super::requests::By;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// One method of one path.
#[derive(Debug, Clone)]
pub struct Operation {
    pub method: Method,
    pub path: String,
    /// How its requests carry their key.
    pub by: Vec<By>,
    /// Whether it needs an id only, and no key.
    pub is_open: bool,
    /// The query's parameters with their schemas.
    pub parameters: Vec<(String, Value)>,
    /// A media type, and a valid example.
    pub body: Option<(String, Value)>,
}

impl Operation {
    fn is(&self, method: &str, path: &str) -> bool {
        self.method.as_str().eq_ignore_ascii_case(method) && self.path == path
    }

    /// The path up to its first id: the object's own path.
    pub fn object(&self) -> Option<&str> {
        object(&self.path)
    }
}

fn object(path: &str) -> Option<&str> {
    path.get(..=path.find('}')?)
}

/// All operations.
pub async fn all(gateway: &Gateway) -> Result<Vec<Operation>> {
    let mut all = Vec::new();
    for surface in Surface::ALL {
        let path = format!("/openapi/{}.json", surface.name());
        let document = gateway.send(gateway.request(Method::GET, &path)).await?;
        all.extend(listed(&document.body).with_context(|| path)?);
    }
    let listed = all.clone();
    for (path, methods) in routed()? {
        for method in methods {
            if !listed.iter().any(|one| one.is(method, &path)) {
                all.push(unlisted(method, &path, &listed)?);
            }
        }
        let is_known = all.iter().any(|one| one.path == path);
        ensure!(is_known, "{path}: by which methods is it asked?");
    }
    Ok(all)
}

fn listed(document: &Value) -> Result<Vec<Operation>> {
    let schemes = document["components"]["securitySchemes"].as_object();
    let scheme = schemes.and_then(|schemes| schemes.values().next());
    let scheme = scheme.context("no security scheme")?;
    let by = match scheme["scheme"].as_str() {
        Some("bearer") => By::Bearer,
        Some("basic") => By::Basic,
        _ => By::Header,
    };
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().context("no paths")? {
        for (method, described) in methods.as_object().context("no methods")? {
            let parameters = described["parameters"].as_array();
            let parameters = parameters.into_iter().flatten();
            let parameters = parameters.filter(|parameter| parameter["in"] == "query");
            let name = |parameter: &Value| parameter["name"].as_str().map(str::to_owned);
            let parameters = parameters
                .filter_map(|parameter| Some((name(parameter)?, parameter["schema"].clone())));
            let media = described["requestBody"]["content"].as_object();
            let body = media.and_then(|media| media.iter().next());
            found.push(Operation {
                method: method.to_ascii_uppercase().parse()?,
                path: path.clone(),
                by: vec![by],
                is_open: described["security"] == json!([]),
                parameters: parameters.collect(),
                body: body.map(|(media, body)| (media.clone(), body["example"].clone())),
            });
        }
    }
    ensure!(
        found.len() >= 10,
        "a document of {} operations",
        found.len()
    );
    Ok(found)
}

/// Every path of the surfaces' routers, read where it is routed, with the methods that stand beside
/// it. The reference leaves some out: other spellings of a path, and what a payment by card has no
/// use for.
fn routed() -> Result<BTreeMap<String, Vec<&'static str>>> {
    let surfaces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/src/surfaces");
    let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for surface in fs::read_dir(surfaces)? {
        let surface = surface?.path();
        if !surface.is_dir() {
            continue;
        }
        for file in fs::read_dir(surface)? {
            let code = fs::read_to_string(file?.path())?;
            for route in code.split(".route(").skip(1) {
                let route = route.split("\n}").next().unwrap_or_default();
                let path = route.split('"').nth(1).context("a route without a path")?;
                let beside = |method: &&str| route.contains(&format!("{method}("));
                let methods = METHODS.into_iter().filter(beside);
                found.entry(path.to_owned()).or_default().extend(methods);
            }
        }
    }
    ensure!(found.len() > 30, "the routes are not where they were");
    Ok(found)
}

/// Another spelling of a listed path, or an unknown one.
fn unlisted(method: &str, path: &str, listed: &[Operation]) -> Result<Operation> {
    let plain = path.trim_end_matches('/');
    let is_spelt_so =
        |one: &&Operation| one.is(method, plain) || one.is(method, &format!("{plain}/"));
    let spelt = listed.iter().find(is_spelt_so);
    let is_open =
        |one: &Operation| one.is_open && one.object().is_some_and(|one| object(path) == Some(one));
    let nothing = || (method != "get").then(|| ("application/json".to_owned(), json!({})));
    Ok(Operation {
        method: method.to_ascii_uppercase().parse()?,
        path: path.to_owned(),
        by: vec![By::Bearer, By::Basic, By::Header],
        is_open: listed.iter().any(is_open),
        parameters: spelt.map(|one| one.parameters.clone()).unwrap_or_default(),
        body: spelt.map_or_else(nothing, |one| one.body.clone()),
    })
}
