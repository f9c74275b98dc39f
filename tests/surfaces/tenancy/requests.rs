//! A random request for another merchant's objects.

use anyhow::{Context, Result};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tests::Gateway;

use super::operations::Operation;
use super::theirs::{Names, Theirs};

/// How a request carries its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    Bearer,
    Basic,
    ApiKey,
    Header,
    /// An access token that was issued for client credentials.
    Token,
}

impl By {
    const ALL: [By; 5] = [By::Bearer, By::Basic, By::ApiKey, By::Header, By::Token];

    /// Adds a key, or a token if there is one.
    pub fn show(self, request: RequestBuilder, key: &str, token: Option<&str>) -> RequestBuilder {
        match self {
            By::Bearer => request.bearer_auth(key),
            By::Basic => request.basic_auth(key, Some("")),
            By::ApiKey => request.header("Authorization", format!("Api-Key {key}")),
            By::Header => request.header("X-API-Key", key),
            By::Token => request.bearer_auth(token.unwrap_or(key)),
        }
    }
}

/// A merchant and mode with a valid key, without access to the victim's objects.
pub struct Outsider {
    pub what: &'static str,
    pub key: String,
    pub token: Option<String>,
    /// Whether it is the same merchant, in the other mode.
    pub is_other_mode: bool,
}

/// A request in which names stand for ids, so that the same random choices make the same text.
#[derive(Debug, Clone)]
pub struct Case {
    pub is_open: bool,
    by: By,
    method: Method,
    path: String,
    query: String,
    idempotency_key: Option<String>,
    body: Option<(String, Value)>,
}

impl Case {
    /// The request as text.
    pub fn described(&self) -> String {
        let body = self.body.as_ref().map(|(_, body)| body.to_string());
        let body = body.unwrap_or_default();
        let Self { method, by, .. } = self;
        let key = self.idempotency_key.as_deref().unwrap_or("no key");
        format!(
            "{method} {}{} by {by:?}, {key}: {body}",
            self.path, self.query
        )
    }

    /// Whether it is about one of their objects, rather than about what follows it in a list.
    pub fn is_about_them(&self, theirs: &Theirs) -> bool {
        let body = self.body.as_ref().map(|(_, body)| body.to_string());
        theirs.are_named(&self.path) || body.is_some_and(|body| theirs.are_named(&body))
    }

    /// The request, with ids in place of the names.
    pub fn asked_by(
        &self,
        gateway: &Gateway,
        outsider: &Outsider,
        theirs: &Theirs,
    ) -> Result<RequestBuilder> {
        let address = theirs.named(&format!("{}{}", self.path, self.query));
        let request = gateway.request(self.method.clone(), &address);
        let mut request = self
            .by
            .show(request, &outsider.key, outsider.token.as_deref());
        if let Some(key) = &self.idempotency_key {
            request = request.header("Idempotency-Key", theirs.named(key));
        }
        let Some((media, body)) = &self.body else {
            return Ok(request);
        };
        let body = theirs.named(&body.to_string());
        let request = request.header("Content-Type", media);
        if media == "application/json" {
            return Ok(request.body(body));
        }
        let body: Value = serde_json::from_str(&body)?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in body.as_object().context("a form has members")? {
            form.append_pair(name, value.as_str().unwrap_or_default());
        }
        Ok(request.body(form.finish()))
    }
}

/// A random request to an operation, with ids of the victim wherever it takes one.
pub fn any_case(operation: &Operation, names: &Names) -> impl Strategy<Value = Case> + use<> {
    let by = prop_oneof![5 => select(operation.by.clone()), 1 => select(By::ALL.to_vec())];
    let key = prop_oneof![
        2 => Just(None),
        1 => "[a-z]{16}".prop_map(Some),
        1 => select(names.keys.clone()).prop_map(Some),
    ];
    let (path, query) = (any_path(operation, names), any_query(operation, names));
    let body = any_body(operation, names);
    let (method, is_open) = (operation.method.clone(), operation.is_open);
    let parts = (by, path, query, key, body);
    parts.prop_map(move |(by, path, query, idempotency_key, body)| Case {
        is_open,
        by,
        method: method.clone(),
        path,
        query,
        idempotency_key,
        body,
    })
}

/// Mostly ids that their own key finds there. Public operations get only ids that are not public.
fn any_path(operation: &Operation, names: &Names) -> BoxedStrategy<String> {
    let (path, base) = (operation.path.clone(), select(vec!["", "/api"]));
    let Some(object) = operation.object() else {
        return base.prop_map(move |base| format!("{base}{path}")).boxed();
    };
    let (there, others) = names.at(object, &operation.by);
    let id = if operation.is_open {
        select(others).boxed()
    } else {
        prop_oneof![5 => select(there), 1 => select(others)].boxed()
    };
    let filled = move |(base, id): (&str, String)| {
        let segments = path.split('/');
        let segments = segments.map(|one| if one.starts_with('{') { &id } else { one });
        format!("{base}{}", segments.collect::<Vec<_>>().join("/"))
    };
    (base, id).prop_map(filled).boxed()
}

/// Query parameters with valid values, and ids of listed objects.
fn any_query(operation: &Operation, names: &Names) -> impl Strategy<Value = String> + use<> {
    let object = format!("{}/{{id}}", operation.path.trim_end_matches('/'));
    let (mut ids, _) = names.at(&object, &operation.by);
    if ids.is_empty() {
        ids.clone_from(&names.shown);
    }
    let parameters = operation.parameters.iter().map(|(name, schema)| {
        let name = name.clone();
        let text = any_value(schema, &ids).prop_map(move |value| format!("{name}={value}"));
        prop::option::weighted(0.4, text)
    });
    let parameters: Vec<_> = parameters.collect();
    parameters.prop_map(|text| {
        let text: Vec<String> = text.into_iter().flatten().collect();
        if text.is_empty() {
            String::new()
        } else {
            format!("?{}", text.join("&"))
        }
    })
}

fn any_value(schema: &Value, ids: &[String]) -> BoxedStrategy<String> {
    if let Some(names) = schema["enum"].as_array() {
        let names = names.iter().filter_map(Value::as_str).map(str::to_owned);
        return select(names.collect::<Vec<_>>()).boxed();
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("boolean"), _) => any::<bool>().prop_map(|value| value.to_string()).boxed(),
        (Some("integer"), _) => {
            let least = schema["minimum"].as_u64().unwrap_or_default();
            let most = schema["maximum"].as_u64().unwrap_or(100).min(100);
            select(vec![least, most])
                .prop_map(|value| value.to_string())
                .boxed()
        }
        (_, Some("date")) => Just("2020-01-01".to_owned()).boxed(),
        _ => select(ids.to_vec()).boxed(),
    }
}

/// The example with their ids and email address; or with one member missing or renamed.
fn any_body(operation: &Operation, names: &Names) -> BoxedStrategy<Option<(String, Value)>> {
    let Some((media, example)) = operation.body.clone() else {
        return Just(None).boxed();
    };
    let others = vec!["charge_id", "customer_id", "payment_id", "id"];
    let left_out = prop::option::weighted(0.3, any::<Index>());
    let renamed = prop::option::weighted(0.3, select(others));
    let made = (select(names.shown.clone()), left_out, renamed);
    let made = made.prop_map(move |(id, left_out, renamed)| {
        let mut body = example.clone();
        point(&mut body, &id);
        let members = body.as_object_mut()?;
        let was = members.keys().find(|name| name.ends_with("_id")).cloned();
        if let (Some(was), Some(renamed)) = (was, renamed) {
            let id = members.remove(&was).unwrap_or_default();
            members.insert(renamed.to_owned(), id);
        }
        let names: Vec<String> = members.keys().cloned().collect();
        if let Some(name) = left_out.filter(|_| !names.is_empty()) {
            members.remove(name.get(&names));
        }
        Some((media.clone(), body))
    });
    made.boxed()
}

/// Replaces ids, email addresses and URLs of an example. Free texts stay: ids in them would be the
/// outsider's own text.
fn point(body: &mut Value, id: &str) {
    let Value::Object(members) = body else { return };
    for (name, value) in members.iter_mut().filter(|(name, _)| *name != "metadata") {
        match name.as_str() {
            "email" => *value = "{known}".into(),
            "url" => *value = "{mine}".into(),
            name if name.ends_with("_id") => *value = id.into(),
            _ => point(value, id),
        }
    }
}
