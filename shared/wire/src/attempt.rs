//! The attempts to deliver webhooks, and what a merchant asks about them: the same on every surface that
//! has endpoints.

use std::time::Duration;

use domain::delivery::Attempt;
use domain::endpoint::{OVERLAP_DEFAULT, OVERLAP_MAX};
use domain::id::{AttemptId, DeliveryId, EventId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::fields::{FieldError, Fields, invalid};
use crate::limits;
use crate::page::Page;
use crate::query::Parameters;

/// The value of `object` in an attempt, on the surfaces that name the type of an object.
pub(crate) const OBJECT: &str = "webhook_attempt";
/// The value of `object` in a delivery, on the surfaces that name the type of an object.
pub(crate) const DELIVERY: &str = "webhook_delivery";
/// The status of a delivery that was just asked for.
pub(crate) const PENDING: &str = "pending";

/// The statuses of an attempt.
const STATUSES: [&str; 2] = ["succeeded", "failed"];

/// An attempt, and its event's type as the surface names it.
#[derive(Debug)]
pub struct Named {
    /// The attempt.
    pub attempt: Attempt,
    /// The event's type.
    pub event_type: &'static str,
}

impl Named {
    pub(crate) const fn status(&self) -> &'static str {
        let [succeeded, failed] = STATUSES;
        if self.attempt.succeeded {
            succeeded
        } else {
            failed
        }
    }

    pub(crate) fn duration_ms(&self) -> u64 {
        u64::try_from(self.attempt.duration.as_millis()).unwrap_or(u64::MAX)
    }
}

/// A delivery that a merchant asked for.
#[derive(Debug, Clone, Copy)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The event that is sent.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: &'static str,
}

/// The requested attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The page.
    pub page: Page<AttemptId>,
    /// Only attempts that succeeded, or failed.
    pub succeeded: Option<bool>,
}

impl Wanted {
    /// Reads the query.
    pub fn read(query: &str) -> Result<Self, FieldError> {
        let parameters = Parameters::of(query);
        let [succeeded, failed] = STATUSES;
        let why = format!("must be {succeeded} or {failed}");
        Ok(Self {
            page: Page::read(&parameters, AttemptId::parse)?,
            succeeded: parameters.parsed("status", &why, |word| match word {
                word if word == succeeded => Some(true),
                word if word == failed => Some(false),
                _ => None,
            })?,
        })
    }
}

/// Parameters for listing the attempts of an endpoint, newest first.
#[derive(Deserialize, JsonSchema)]
pub struct AttemptsParameters {
    /// Maximum number of objects to return.
    #[schemars(range(min = 1, max = limits::LIST_MAX), extend("default" = limits::LIST_DEFAULT))]
    pub limit: Option<u32>,
    /// Cursor for pagination: the id of the last attempt on the previous page.
    pub starting_after: Option<String>,
    /// Only attempts with this status.
    #[schemars(extend("enum" = STATUSES))]
    pub status: Option<String>,
}

/// Reads a request to send an event again: the event's id.
pub fn resend(body: Value) -> Result<EventId, FieldError> {
    let mut fields = Fields::of(body)?;
    let id = fields.required("event", |fields, name| {
        let text = fields.word(name)?;
        let read = |text: String| {
            EventId::parse(&text).ok_or_else(|| invalid(name, "must be the id of an event"))
        };
        text.map(read).transpose()
    })?;
    fields.finish()?;
    Ok(id)
}

/// An event to send again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WebhookToResend")]
pub struct ResendBody {
    /// Id of an event that was sent to this endpoint, `evt_…`.
    #[schemars(regex(pattern = r"^evt_[0-9A-Za-z]{22}$"))]
    pub event: String,
}

/// Reads a request without fields.
pub fn nothing(body: Value) -> Result<(), FieldError> {
    Fields::of(body)?.finish()
}

/// A request without fields.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WebhookTest")]
pub struct NothingBody {}

/// Reads a request to roll a secret: how long the one before signs too.
pub fn roll(body: Value) -> Result<Duration, FieldError> {
    let mut fields = Fields::of(body)?;
    let overlap = fields.integer("overlap")?;
    fields.finish()?;
    let Some(overlap) = overlap else {
        return Ok(OVERLAP_DEFAULT);
    };
    let overlap = u64::try_from(overlap).ok().map(Duration::from_secs);
    let overlap = overlap.filter(|overlap| *overlap <= OVERLAP_MAX);
    let most = OVERLAP_MAX.as_secs();
    overlap.ok_or_else(|| invalid("overlap", format!("must be 0 to {most} seconds")))
}

/// A secret to roll.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SecretToRoll")]
pub struct RollBody {
    /// How long the secret before this one signs too, in seconds, at most a week. The default is a day;
    /// 0 ends it at once.
    #[schemars(
        range(min = 0, max = OVERLAP_MAX.as_secs()),
        extend("default" = OVERLAP_DEFAULT.as_secs())
    )]
    pub overlap: Option<u64>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::samples::{any_json, is_invalid};

    #[test]
    fn an_overlap_is_a_day_unless_said_otherwise() {
        for (body, seconds) in [
            (json!({}), Some(86_400)),
            (json!({"overlap": null}), Some(86_400)),
            (json!({"overlap": 0}), Some(0)),
            (json!({"overlap": 604_800}), Some(604_800)),
            (json!({"overlap": 604_801}), None),
            (json!({"overlap": -1}), None),
            (json!({"overlap": "1"}), None),
            (json!({"overlap": 1.5}), None),
        ] {
            let read = roll(body.clone());
            let found = read.as_ref().ok().copied();
            assert_eq!(found, seconds.map(Duration::from_secs), "{body}");
            assert!(seconds.is_some() || is_invalid(read.err(), "overlap"));
        }
    }

    #[test]
    fn each_wrong_field_is_named() {
        for event in [json!("pay_0000000000000000000001"), json!("x"), json!(7)] {
            let read = resend(json!({"event": event}));
            assert!(is_invalid(read.err(), "event"), "{event}");
        }
        let id = "evt_0000000000000000000001";
        assert_eq!(resend(json!({"event": id})).ok(), EventId::parse(id));
        for (query, name) in [
            ("status=Failed", "status"),
            ("status=", "status"),
            ("status=failed&status=failed", "status"),
            ("starting_after=evt_1", "starting_after"),
            ("limit=0", "limit"),
        ] {
            assert!(is_invalid(Wanted::read(query).err(), name), "{query}");
        }
        let failed = Wanted::read("status=failed").map(|wanted| wanted.succeeded);
        assert_eq!(failed, Ok(Some(false)));
    }

    proptest! {
        #[test]
        fn no_json_breaks_the_readers(body in any_json()) {
            let _ = (resend(body.clone()), roll(body.clone()), nothing(body));
        }
    }
}
