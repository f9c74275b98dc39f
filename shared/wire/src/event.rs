//! Webhook bodies: one envelope for all surfaces, around an object in the surface's format.

use domain::event::{Event, EventType};
use domain::id::EventId;
use domain::surface::Surface;
use serde::Serialize;
use time::OffsetDateTime;

use crate::subscription::EVERYTHING;
use crate::{finfusion, finternet, paygate};

/// The event types that a subscription's event names select; `*` selects all that the surface
/// sends.
pub fn kinds(surface: Surface, events: &[String]) -> Vec<EventType> {
    let is_asked = |word: &str| {
        events
            .iter()
            .any(|event| event == EVERYTHING || event == word)
    };
    let kinds = EventType::ALL
        .into_iter()
        .filter(|kind| kind.is_subscribable());
    kinds
        .filter(|kind| name(surface, *kind).is_some_and(is_asked))
        .collect()
}

/// The name of an event on a surface; `None` if the surface does not send it.
pub const fn name(surface: Surface, kind: EventType) -> Option<&'static str> {
    match surface {
        Surface::Finternet => finternet::webhook::event_name(kind),
        Surface::Fourgeeks => None,
        Surface::Paygate => paygate::webhook::event_name(kind),
        Surface::Finfusion => finfusion::webhook::event_name(kind),
    }
}

/// The name of an event about an endpoint, the same on every surface that has them.
pub(crate) const DISABLED: &str = "webhook_endpoint.disabled";
/// The name of an event that tests an endpoint.
pub(crate) const TEST: &str = "webhook_endpoint.test";

/// Renders the body of a webhook in the surface's format; `None` if the surface does not send the
/// event.
pub fn render(
    surface: Surface,
    id: EventId,
    event: &Event,
    occurred_at: OffsetDateTime,
) -> Option<String> {
    match surface {
        Surface::Finternet => finternet::webhook::body(id, event, occurred_at),
        Surface::Fourgeeks => None,
        Surface::Paygate => paygate::webhook::body(id, event, occurred_at),
        Surface::Finfusion => finfusion::webhook::body(id, event, occurred_at),
    }
}

#[derive(Serialize)]
struct Envelope<T> {
    id: String,
    object: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    created: i64,
    data: Data<T>,
}

#[derive(Serialize)]
struct Data<T> {
    object: T,
}

/// Builds the body of a webhook from the surface's event name and object.
pub(crate) fn body<T: Serialize>(
    id: EventId,
    kind: &'static str,
    occurred_at: OffsetDateTime,
    object: T,
) -> String {
    crate::json(&Envelope {
        id: id.to_string(),
        object: "event",
        kind,
        created: occurred_at.unix_timestamp(),
        data: Data { object },
    })
}

#[cfg(test)]
mod tests {
    use domain::event::Subject;
    use serde_json::{Error, json};

    use super::*;
    use crate::samples;

    #[test]
    fn a_disabled_endpoint_has_each_surfaces_format() -> Result<(), Error> {
        let iso = "2023-11-09T21:20:00Z";
        let error = "the endpoint responded with 410";
        for (surface, expected) in [
            (
                Surface::Paygate,
                json!({
                    "id": "whk_0000000000000000000005", "object": "webhook_endpoint",
                    "url": "https://example.com/webhooks", "events": ["*"], "status": "disabled",
                    "created": 1_699_564_700, "failing_since": 1_699_564_800, "failures": 1,
                    "last_error": error, "last_error_at": 1_699_564_800, "disabled_reason": "gone"
                }),
            ),
            (
                Surface::Finfusion,
                json!({
                    "id": "whk_0000000000000000000005", "url": "https://example.com/webhooks",
                    "events": ["*"], "status": "disabled", "created_at": "2023-11-09T21:18:20Z",
                    "metadata": {}, "failing_since": iso, "failures": 1, "last_error": error,
                    "last_error_at": iso, "disabled_reason": "gone"
                }),
            ),
            (
                Surface::Finternet,
                json!({
                    "id": "whk_0000000000000000000005", "object": "webhook_endpoint",
                    "url": "https://example.com/webhooks", "events": ["*"], "status": "disabled",
                    "metadata": {}, "created": 1_699_564_700, "updated": 1_699_564_800,
                    "failingSince": 1_699_564_800, "failures": 1, "lastError": error,
                    "lastErrorAt": 1_699_564_800, "disabledReason": "gone"
                }),
            ),
        ] {
            for (kind, name) in [
                (EventType::EndpointDisabled, DISABLED),
                (EventType::EndpointTest, TEST),
            ] {
                let subject = Subject::Endpoint(samples::endpoint(surface)?);
                let event = samples::webhook(surface, kind, subject).unwrap_or_default();
                assert_eq!(event.pointer("/type"), Some(&name.into()));
                assert_eq!(event.pointer("/data/object"), Some(&expected));
            }
        }
        let disabled = Subject::Endpoint(samples::endpoint(Surface::Paygate)?);
        let none = samples::webhook(Surface::Fourgeeks, EventType::EndpointDisabled, disabled);
        assert_eq!(none, None);
        Ok(())
    }

    #[test]
    fn everything_includes_disabled_endpoints_and_no_tests() {
        let kinds = |events: &str| kinds(Surface::Finternet, &[events.to_owned()]);
        assert!(kinds("*").contains(&EventType::EndpointDisabled));
        assert!(!kinds("*").contains(&EventType::EndpointTest));
        assert_eq!(kinds(DISABLED), [EventType::EndpointDisabled]);
        assert_eq!(kinds(TEST), []);
    }
}
