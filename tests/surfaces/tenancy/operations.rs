//! Every operation there is, as the gateway's own documents list them.

use anyhow::{Context, Result, ensure};
use domain::surface::Surface;
use reqwest::Method;
use serde_json::{Value, json};
use tests::Gateway;

use super::requests::By;

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
    /// The path up to its first id: the object's own path.
    pub fn object(&self) -> Option<&str> {
        object(&self.path)
    }
}

fn object(path: &str) -> Option<&str> {
    path.get(..=path.find('}')?)
}

/// All operations, at every spelling of their paths.
pub async fn all(gateway: &Gateway) -> Result<Vec<Operation>> {
    let mut all = Vec::new();
    for surface in Surface::ALL {
        let path = format!("/openapi/{}.json", surface.name());
        let document = gateway.send(gateway.request(Method::GET, &path)).await?;
        all.extend(listed(&document.body).with_context(|| path)?);
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
            let operation = Operation {
                method: method.to_ascii_uppercase().parse()?,
                path: path.clone(),
                by: vec![by],
                is_open: described["security"] == json!([]),
                parameters: parameters.collect(),
                body: body.map(|(media, body)| (media.clone(), body["example"].clone())),
            };
            let also = described["x-also"].as_array().into_iter().flatten();
            let also = also.filter_map(Value::as_str).map(|path| Operation {
                path: path.to_owned(),
                // Which surface answers may depend on the slash and the credential.
                by: vec![By::Bearer, By::Basic, By::Header],
                ..operation.clone()
            });
            found.extend(also.collect::<Vec<_>>());
            found.push(operation);
        }
    }
    ensure!(
        found.len() >= 10,
        "a document of {} operations",
        found.len()
    );
    Ok(found)
}
