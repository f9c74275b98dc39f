//! A part of a list.

use schemars::JsonSchema;
use serde::Serialize;

/// A part of a list, newest first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct List<T> {
    /// Always `list`.
    #[schemars(extend("const" = "list"))]
    object: &'static str,
    /// The objects.
    data: Vec<T>,
    /// Whether there are more after the last one.
    has_more: bool,
}

impl<T: Serialize> List<T> {
    /// A part of a list.
    pub const fn of(data: Vec<T>, has_more: bool) -> Self {
        Self {
            object: "list",
            data,
            has_more,
        }
    }

    /// The body.
    pub fn body(&self) -> String {
        crate::json(self)
    }
}
