//! Registering a webhook endpoint: the same fields on every surface that has it.

use serde_json::{Map, Value};

use crate::fields::{Fields, Wrong};

/// Everything, also what comes later.
pub const EVERYTHING: &str = "*";

/// An endpoint to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Where to post; not judged yet.
    pub url: String,
    /// The events, in the surface's words; `*` for everything.
    pub events: Vec<String>,
    /// The merchant's own keys and values.
    pub metadata: Map<String, Value>,
    /// Sign with Ed25519 too (Standard Webhooks v1a).
    pub ed25519: bool,
}

impl Subscription {
    /// Reads a request whose surface documents the events `known`.
    ///
    /// # Errors
    /// [`Wrong`] names the field.
    pub fn read(body: Value, known: &[&str]) -> Result<Self, Wrong> {
        let mut fields = Fields::of(body)?;
        let url = fields.text("url", 2_000)?;
        let url = fields.required("url", url)?;
        let events = fields
            .texts("events")?
            .unwrap_or_else(|| vec![EVERYTHING.to_owned()]);
        let is_known = |event: &String| event == EVERYTHING || known.contains(&event.as_str());
        if events.is_empty() || !events.iter().all(is_known) {
            let why = format!("must be some of {}, or *", known.join(", "));
            return Err(Wrong::Invalid {
                param: "events".to_owned(),
                why,
            });
        }
        let metadata = fields.metadata()?;
        let ed25519 = match fields.text("signature", 10)?.as_deref() {
            None | Some("v1") => false,
            Some("v1a") => true,
            Some(_) => {
                let why = "must be v1 or v1a".to_owned();
                return Err(Wrong::Invalid {
                    param: "signature".to_owned(),
                    why,
                });
            }
        };
        fields.finish()?;
        Ok(Self {
            url,
            events,
            metadata,
            ed25519,
        })
    }
}
