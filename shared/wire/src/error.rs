//! Errors as tables: one row drives the response, the `OpenAPI` document and the reference page.

/// An error that a surface may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The HTTP status.
    pub status: u16,
    /// What programs compare.
    pub code: &'static str,
    /// What people read. `{name}` stands for a value of the request.
    pub text: &'static str,
    /// When it comes.
    pub when: &'static str,
    /// What the client can do about it.
    pub remedy: &'static str,
}

impl Row {
    /// The text with its values. Values are inserted once, so braces in them mean nothing.
    pub fn fill(&self, values: &[(&str, &str)]) -> String {
        let mut parts = self.text.split('{');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap_or(("", part));
            let value = values.iter().find(|(one, _)| *one == name);
            text.push_str(value.map_or("…", |(_, value)| value));
            text.push_str(rest);
        }
        text
    }
}

/// An error in a surface's format.
pub trait SurfaceError {
    /// The HTTP status.
    fn status(&self) -> u16;

    /// The JSON body.
    fn body(&self) -> String;
}

/// A surface's table: a constant for each row, and all of them by status as `ROWS`.
macro_rules! rows {
    ($($name:ident: $status:literal $code:literal, $text:literal, $when:literal, $remedy:expr;)*) => {
        $(
            #[doc = $when]
            pub const $name: $crate::error::Row = $crate::error::Row {
                status: $status,
                code: $code,
                text: $text,
                when: $when,
                remedy: $remedy,
            };
        )*

        /// Every error of this surface, by status.
        pub const ROWS: &[$crate::error::Row] = &[$($name),*];
    };
}

pub(crate) use rows;

/// The remedy of errors that are not the client's fault.
pub(crate) const AGAIN: &str = "Send it again, with the same Idempotency-Key if it had one.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finfusion, finternet, fourgeeks, paygate};

    const TABLES: [&[Row]; 4] = [
        finternet::error::ROWS,
        paygate::error::ROWS,
        finfusion::error::ROWS,
        fourgeeks::error::ROWS,
    ];

    #[test]
    fn a_value_is_inserted_once() {
        let row = Row {
            text: "{param} {why}.",
            ..paygate::error::BODY_INVALID
        };
        let text = row.fill(&[("param", "{why}"), ("why", "is wrong")]);
        assert_eq!(text, "{why} is wrong.");
        assert_eq!(row.fill(&[]), "… ….");
    }

    #[test]
    fn rows_are_complete_and_sorted_by_status() {
        for table in TABLES {
            assert!(table.is_sorted_by_key(|row| row.status));
            for row in table {
                assert!(!row.code.is_empty() && !row.when.is_empty() && !row.remedy.is_empty());
            }
        }
    }
}
