//! The first calls of a surface, to be copied, with what they are answered.

use serde_json::Value;

use super::Surfaced;
use super::operation::Operation;

/// Where a gateway is if nobody says.
pub const BASE: &str = "http://127.0.0.1:8000";

/// A call that works at once, but for the key.
pub struct First {
    /// The operation's name.
    pub operation: &'static str,
    /// What stands for the id in its path.
    pub id: &'static str,
    /// What a gateway answered.
    pub answer: &'static str,
}

impl First {
    /// A call of an operation whose path has no id.
    pub const fn new(operation: &'static str, answer: &'static str) -> Self {
        Self {
            operation,
            id: "",
            answer,
        }
    }

    /// The operation that is called.
    pub fn operation<'a>(&self, surfaced: &'a Surfaced) -> Option<&'a Operation> {
        let mut operations = surfaced.operations.iter();
        operations.find(|one| one.name == self.operation)
    }

    /// The call as one types it.
    pub fn curl(&self, surfaced: &Surfaced, operation: &Operation) -> String {
        let path = operation.path.replace("{id}", self.id);
        let mut lines = vec![format!("curl {BASE}{path}")];
        if !operation.is_open {
            lines.push(surfaced.security.curl.to_owned());
        }
        if let Some(body) = &operation.body {
            lines.push(format!("-H 'Content-Type: {}'", body.media));
        }
        if operation.is_once {
            // One key opens all surfaces, so a key of one's own for each of their calls.
            let (surface, name) = (surfaced.surface.name(), operation.name);
            lines.push(format!("-H 'Idempotency-Key: {surface}-{name}-1'"));
        }
        if let Some(body) = &operation.body {
            let body = pretty(&body.example).replace('\n', "\n  ");
            lines.push(format!("-d '{body}'"));
        }
        lines.join(" \\\n  ")
    }
}

/// JSON over several lines.
pub fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
