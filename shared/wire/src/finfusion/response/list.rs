//! List responses.

use schemars::JsonSchema;
use serde::Serialize;

/// A page of a list, newest first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct List<T> {
    /// Always `list`.
    #[schemars(extend("const" = "list"))]
    object: &'static str,
    /// Objects of the page.
    data: Vec<T>,
    /// Whether more objects follow the last one. A page ends before `limit` if its objects have more
    /// than 1 MiB of metadata.
    has_more: bool,
}

impl<T: Serialize> List<T> {
    /// Creates a page of a list.
    pub const fn of(data: Vec<T>, has_more: bool) -> Self {
        Self {
            object: "list",
            data,
            has_more,
        }
    }
}
