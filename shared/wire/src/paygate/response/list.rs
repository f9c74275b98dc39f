//! List responses.

use schemars::JsonSchema;
use serde::Serialize;

use crate::page::Page;

/// A page of a list, newest first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct List<T> {
    /// Always `list`.
    #[schemars(extend("const" = "list"))]
    object: &'static str,
    /// Objects of the page.
    data: Vec<T>,
    /// Maximum number of objects on the page. Absent if the list has only one page.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    /// Number of objects skipped. Absent if the list has only one page.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u32>,
    /// Whether more objects follow the last one. A page ends before `limit` if its objects have more
    /// than 1 MiB of metadata.
    has_more: bool,
}

impl<T: Serialize> List<T> {
    /// Creates the requested page.
    pub const fn of<I>(page: &Page<I>, data: Vec<T>, has_more: bool) -> Self {
        Self {
            object: "list",
            data,
            limit: Some(page.limit),
            offset: Some(page.offset),
            has_more,
        }
    }

    /// Creates a list with only one page, because it is never long.
    pub const fn whole(data: Vec<T>) -> Self {
        Self {
            object: "list",
            data,
            limit: None,
            offset: None,
            has_more: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Body;

    #[test]
    fn a_part_says_where_it_stands_and_a_whole_list_does_not() {
        let page = Page::<()> {
            limit: 2,
            offset: 4,
            after: None,
        };
        let part = r#"{"object":"list","data":[1,2],"limit":2,"offset":4,"has_more":true}"#;
        assert_eq!(List::of(&page, vec![1, 2], true).body(), part);
        let whole = r#"{"object":"list","data":[1],"has_more":false}"#;
        assert_eq!(List::whole(vec![1]).body(), whole);
    }
}
