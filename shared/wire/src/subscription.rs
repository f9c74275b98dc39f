//! Webhook endpoints: the same fields on every surface that has them.

use domain::card;
use domain::id::EndpointId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::fields::{FieldChange, FieldError, Fields, Why, invalid};
use crate::{absolute_url, limits};

/// Subscribes to all events, including those added later.
pub const EVERYTHING: &str = "*";

/// An endpoint to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// URL to post events to. Whether its host is allowed is not checked yet.
    pub url: Url,
    /// Event names of the surface; `*` means all.
    pub events: Vec<String>,
    /// The merchant's own keys and values.
    pub metadata: Map<String, Value>,
    /// Whether to also sign with Ed25519 (Standard Webhooks `v1a`).
    pub ed25519: bool,
}

impl Subscription {
    /// Reads a request. `known` are the events that the surface documents.
    pub fn read(body: Value, known: &[&str]) -> Result<Self, FieldError> {
        let mut fields = Fields::of(body)?;
        let url = fields.required("url", |fields, _| url(fields))?;
        let events = events(&mut fields, known)?;
        let metadata = fields.metadata()?;
        let ed25519 = match fields.text("signature", 10)?.as_deref() {
            None | Some("v1") => false,
            Some("v1a") => true,
            Some(_) => return Err(invalid("signature", "must be v1 or v1a")),
        };
        fields.finish()?;
        Ok(Self {
            url,
            events: events.unwrap_or_else(|| vec![EVERYTHING.to_owned()]),
            metadata,
            ed25519,
        })
    }
}

/// Changes to an endpoint; `None` keeps the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// URL to post events to. Whether its host is allowed is not checked yet.
    pub url: Option<Url>,
    /// Event names of the surface; `*` means all.
    pub events: Option<Vec<String>>,
    /// The merchant's own keys and values; replaces all of them.
    pub metadata: Option<Map<String, Value>>,
    /// Whether the endpoint receives events.
    pub is_active: Option<bool>,
}

impl Changes {
    /// Reads a request. `known` are the events that the surface documents.
    pub fn read(body: Value, known: &[&str]) -> Result<Self, FieldError> {
        let mut fields = Fields::of(body)?;
        let url = url(&mut fields)?;
        let events = events(&mut fields, known)?;
        let metadata = match fields.change("metadata", Fields::optional_metadata)? {
            FieldChange::Keep => None,
            FieldChange::Clear => Some(Map::new()),
            FieldChange::To(metadata) => Some(metadata),
        };
        let is_active = match fields.text("status", 10)?.as_deref() {
            None => None,
            Some("active") => Some(true),
            Some("disabled") => Some(false),
            Some(_) => return Err(invalid("status", "must be active or disabled")),
        };
        fields.finish()?;
        Ok(Self {
            url,
            events,
            metadata,
            is_active,
        })
    }
}

/// Reads the URL as it will be called and shown. Parsing may make it longer, and may turn other
/// characters into digits.
fn url(fields: &mut Fields) -> Result<Option<Url>, FieldError> {
    let Some(text) = fields.text("url", limits::URL_MAX)? else {
        return Ok(None);
    };
    let url = absolute_url::parse(&text).map_err(|why| invalid("url", why))?;
    if url.fragment().is_some() {
        return Err(invalid("url", "must not have a fragment"));
    }
    if url.as_str().len() > limits::URL_MAX {
        let why = format!(
            "must have at most {} characters when encoded",
            limits::URL_MAX
        );
        return Err(invalid("url", why));
    }
    if card::contains_card_number(url.as_str()) {
        return Err(FieldError::new("url", Why::CardNumber));
    }
    Ok(Some(url))
}

fn events(fields: &mut Fields, known: &[&str]) -> Result<Option<Vec<String>>, FieldError> {
    let is_known = |event: &String| event == EVERYTHING || known.contains(&event.as_str());
    match fields.texts("events")? {
        Some(events) if events.is_empty() || !events.iter().all(is_known) => {
            let why = format!("must be some of {}, or *", known.join(", "));
            Err(invalid("events", why))
        }
        events => Ok(events),
    }
}

/// A registered endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The endpoint.
    pub stored: domain::endpoint::Endpoint,
    /// Public key that verifies its Ed25519 signatures, if it has them.
    pub public_key: Option<String>,
}

impl Endpoint {
    /// The endpoint in an event, which has no key.
    pub(crate) fn in_event(stored: &domain::endpoint::Endpoint) -> Self {
        Self {
            stored: stored.clone(),
            public_key: None,
        }
    }
}

/// The name of an endpoint's status.
pub const fn status(is_active: bool) -> &'static str {
    if is_active { "active" } else { "disabled" }
}

/// The value of `object` in an endpoint, on the surfaces that name the type of an object.
pub(crate) const OBJECT: &str = "webhook_endpoint";

/// A deleted webhook endpoint, which receives no more events.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeletedWebhookEndpoint")]
pub struct DeletedEndpoint {
    /// Id of the deleted endpoint.
    id: String,
    /// Always `webhook_endpoint`.
    #[schemars(extend("const" = OBJECT))]
    object: &'static str,
    /// Always `true`.
    deleted: bool,
}

impl DeletedEndpoint {
    /// Builds the response to deleting the endpoint with this id.
    pub fn of(id: EndpointId) -> Self {
        Self {
            id: id.to_string(),
            object: OBJECT,
            deleted: true,
        }
    }
}

/// A webhook endpoint to create.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WebhookEndpointToCreate")]
pub struct SubscriptionBody {
    /// URL to post events to. Must use https and a public address, and have no user name, password
    /// or fragment. It is returned as it is called: encoded, and with a lower-case host.
    #[schemars(length(max = limits::URL_MAX), example = &"https://example.com/webhooks")]
    pub url: String,
    /// Event types to subscribe to; `*`, the default, means all. Every documented type is accepted.
    #[schemars(length(min = 1))]
    pub events: Option<Vec<String>>,
    /// Key-value pairs to attach to the object: at most 50 keys, 5 levels of nesting, and 500
    /// characters per string.
    pub metadata: Option<Map<String, Value>>,
    /// Signature scheme. `v1a` adds an Ed25519 signature to the default, `v1`.
    #[schemars(extend("enum" = ["v1", "v1a", null]))]
    pub signature: Option<String>,
}

/// Changes to a webhook endpoint. Absent fields keep their values; `metadata` is replaced as a
/// whole.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WebhookEndpointToChange")]
pub struct ChangesBody {
    /// URL to post events to. Must use https and a public address, and have no user name, password
    /// or fragment. It is returned as it is called: encoded, and with a lower-case host.
    #[schemars(length(max = limits::URL_MAX))]
    pub url: Option<String>,
    /// Event types to subscribe to; `*` means all. Every documented type is accepted.
    #[schemars(length(min = 1))]
    pub events: Option<Vec<String>>,
    /// Key-value pairs to attach to the object: at most 50 keys, 5 levels of nesting, and 500
    /// characters per string.
    pub metadata: Option<Map<String, Value>>,
    /// Status of the endpoint. A `disabled` endpoint receives no events until it is `active` again.
    #[schemars(extend("enum" = ["active", "disabled", null]))]
    pub status: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::samples::{any_json, is_invalid};

    const KNOWN: [&str; 2] = ["payment.succeeded", "payment.failed"];

    #[test]
    fn an_endpoint_is_read() {
        let body = json!({
            "url": "https://example.com/webhooks",
            "events": ["payment.succeeded", "payment.failed"],
            "metadata": {"environment": "production"}
        });
        assert!(serde_json::from_value::<SubscriptionBody>(body.clone()).is_ok());
        let read = Subscription::read(body, &KNOWN);
        assert!(read.is_ok_and(|asked| asked.events == KNOWN && !asked.ed25519));
        let all = Subscription::read(json!({"url": "https://example.com/"}), &KNOWN);
        assert!(all.is_ok_and(|asked| asked.events == [EVERYTHING]));
    }

    #[test]
    fn a_url_is_shown_as_it_is_called() {
        let body = json!({"url": "HTTPS://Example.com:443/a/../hook"});
        let read = Subscription::read(body.clone(), &KNOWN).map(|asked| asked.url.to_string());
        assert_eq!(read.as_deref(), Ok("https://example.com/hook"));
        let read = Changes::read(body, &KNOWN).map(|changes| changes.url.map(String::from));
        assert_eq!(read, Ok(Some("https://example.com/hook".to_owned())));
    }

    #[test]
    fn what_is_not_said_stays() {
        let body = json!({"status": "disabled", "url": null, "metadata": null});
        assert!(serde_json::from_value::<ChangesBody>(body.clone()).is_ok());
        let changes = Changes {
            url: None,
            events: None,
            metadata: Some(Map::new()),
            is_active: Some(false),
        };
        assert_eq!(Changes::read(body, &KNOWN), Ok(changes));
    }

    #[test]
    fn each_wrong_field_is_named() {
        for (body, name) in [
            (json!({"events": []}), "events"),
            (json!({"events": ["payment.lost"]}), "events"),
            (json!({"events": "*"}), "events"),
            (json!({"status": "deleted"}), "status"),
            (json!({"status": true}), "status"),
            (json!({"url": 7}), "url"),
            (json!({"url": "https://a\\@b/"}), "url"),
            (json!({"metadata": []}), "metadata"),
        ] {
            let found = Changes::read(body.clone(), &KNOWN);
            assert!(is_invalid(found.err(), name), "{body}");
        }
        let url = "https://example.com/hook";
        for (body, name) in [
            (json!({"url": 7}), "url"),
            (json!({"url": "example.com"}), "url"),
            (json!({"url": format!("{url}#top")}), "url"),
            (json!({"url": format!("{url}#")}), "url"),
            (json!({"url": format!("{url}/{}", "ü".repeat(700))}), "url"),
            (json!({"url": url, "events": []}), "events"),
            (json!({"url": url, "events": "*"}), "events"),
            (json!({"url": url, "events": ["refund.created"]}), "events"),
            (json!({"url": url, "signature": "v2"}), "signature"),
        ] {
            let found = Subscription::read(body.clone(), &KNOWN);
            assert!(is_invalid(found.err(), name), "{body}");
        }
        let number = "4242424242424242";
        for (body, name, why) in [
            (
                json!({"url": url, "metadata": {"card": number}}),
                "metadata",
                Why::CardNumber,
            ),
            (
                json!({"url": format!("{url}/{number}")}),
                "url",
                Why::CardNumber,
            ),
            (
                json!({"url": "https://４２４２４２４２４２４２４２４２.com/"}),
                "url",
                Why::CardNumber,
            ),
            (json!({"url": url, "secret": "x"}), "secret", Why::Unknown),
            (json!({}), "url", Why::Missing),
        ] {
            let found = Subscription::read(body, &KNOWN);
            assert_eq!(found, Err(FieldError::new(name, why)));
        }
        for name in ["secret", "id", "signature"] {
            let found = Changes::read(json!({ name: "x" }), &KNOWN);
            assert_eq!(found, Err(FieldError::new(name, Why::Unknown)));
        }
    }

    proptest! {
        #[test]
        fn no_json_breaks_the_readers(body in any_json()) {
            let _ = (Subscription::read(body.clone(), &KNOWN), Changes::read(body, &KNOWN));
        }
    }
}
