//! The surfaces with webhook endpoints, for stories that are the same on all of them.

use anyhow::{Context, Result, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use store::merchants::Credentials;
use tests::{Gateway, Response, cards};

/// A surface with endpoints.
#[derive(Debug, Clone, Copy)]
pub struct Surface {
    /// Where its endpoints are.
    pub webhooks: &'static str,
    /// Whether the key is sent as `X-API-Key`, and objects have envelopes.
    pub is_finternet: bool,
}

pub const SURFACES: [Surface; 3] = [
    Surface {
        webhooks: "/v1/webhooks",
        is_finternet: false,
    },
    Surface {
        webhooks: "/v2/webhooks",
        is_finternet: false,
    },
    Surface {
        webhooks: "/v1/webhooks",
        is_finternet: true,
    },
];

impl Surface {
    pub fn of(
        self,
        gateway: &Gateway,
        whose: &Credentials,
        method: Method,
        path: &str,
    ) -> RequestBuilder {
        let request = gateway.request(method, path);
        if self.is_finternet {
            request.header("X-API-Key", whose.test_key.as_str())
        } else {
            request.bearer_auth(whose.test_key.as_str())
        }
    }

    pub async fn send(
        self,
        gateway: &Gateway,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Response> {
        let request = self.of(gateway, &gateway.merchant, method, path).json(body);
        gateway.send(request).await
    }

    pub async fn get(self, gateway: &Gateway, path: &str) -> Result<Response> {
        let request = self.of(gateway, &gateway.merchant, Method::GET, path);
        gateway.send(request).await
    }

    pub async fn post(self, gateway: &Gateway, path: &str, body: &Value) -> Result<Response> {
        self.send(gateway, Method::POST, path, body).await
    }

    /// Registers an endpoint; returns its path and its secret.
    pub async fn register(
        self,
        gateway: &Gateway,
        url: &str,
        events: Value,
    ) -> Result<(String, String)> {
        let asked = json!({"url": url, "events": events});
        let made = self.post(gateway, self.webhooks, &asked).await?;
        ensure!(made.status < 300, "{}", made.text);
        let secret = self.field(&made.body, "secret").as_str().map(str::to_owned);
        let path = format!("{}/{}", self.webhooks, made.at("/id"));
        Ok((path, secret.context("no secret")?))
    }

    /// Lets an event happen that the surface sends.
    pub async fn happen(self, gateway: &Gateway) -> Result<()> {
        if self.is_finternet {
            let intent = json!({"amount": "1.00", "currency": "USD", "type": "CONDITIONAL"});
            self.post(gateway, "/v1/payment-intents", &intent).await?;
        } else {
            gateway.pay(cards::DECLINED).await?;
        }
        gateway.drain().await
    }

    /// A field of an object, by its name in snake case.
    pub fn field<'a>(self, object: &'a Value, name: &str) -> &'a Value {
        if !self.is_finternet {
            return &object[name];
        }
        let mut words = name.split('_');
        let mut camel = words.next().unwrap_or_default().to_owned();
        for word in words {
            let (first, rest) = word.split_at(1);
            camel += &(first.to_uppercase() + rest);
        }
        let inside = object.get("data").unwrap_or(object);
        &inside[camel.as_str()]
    }

    /// The attempts of an endpoint, newest first.
    pub async fn attempts(self, gateway: &Gateway, path: &str, query: &str) -> Result<Vec<Value>> {
        let list = self
            .get(gateway, &format!("{path}/attempts{query}"))
            .await?;
        ensure!(list.status == 200, "{}", list.text);
        Ok(list.body["data"].as_array().context("no list")?.clone())
    }
}
