//! Error tables: one row defines an error's response and its entries in the `OpenAPI` document and
//! on the reference page.

pub(crate) mod texts;

/// An error that a surface may return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The HTTP status.
    pub status: u16,
    /// Machine-readable error code.
    pub code: &'static str,
    /// Human-readable message. `{name}` is replaced with a value of the request.
    pub text: &'static str,
    /// When the error occurs.
    pub when: &'static str,
    /// What the client can do about it.
    pub remedy: &'static str,
}

impl Row {
    /// Fills in the values of the message. Values are inserted once, so braces in them have no
    /// effect.
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
pub trait SurfaceError: Sized {
    /// An error with this message. `param` is the field that caused it.
    fn new(row: &Row, message: String, param: Option<&str>) -> Self;

    /// An error whose message is the same for every request.
    fn of(row: &Row) -> Self {
        Self::with(row, &[])
    }

    /// An error with values for its message. The value named `param` is the field that caused it.
    fn with(row: &Row, values: &[(&str, &str)]) -> Self {
        let param = values.iter().find(|(name, _)| *name == "param");
        Self::new(row, row.fill(values), param.map(|(_, param)| *param))
    }

    /// An error caused by one field.
    fn about(row: &Row, param: &str) -> Self {
        Self::with(row, &[("param", param)])
    }

    /// The HTTP status.
    fn status(&self) -> u16;

    /// Serializes the JSON body.
    fn body(&self) -> String;
}

/// Defines a surface's error table: a constant for each row, and `ROWS`, all rows sorted by status.
/// A row has a text, when the error occurs, and a remedy; `as texts` takes the three from the row
/// of the same name in [`texts`].
macro_rules! rows {
    ($(
        $name:ident: $status:literal $code:literal
        $(, $text:literal, $when:literal, $remedy:tt)? $(as $texts:ident)?;
    )*) => {
        $(
            $(#[doc = $when])?
            $(#[doc = concat!("The error of this name in `", stringify!($texts), "`.")])?
            pub const $name: $crate::error::Row = $crate::error::Row {
                status: $status,
                code: $code,
                $(text: $text, when: $when, remedy: $remedy,)?
                $(..$crate::error::$texts::$name)?
            };
        )*

        /// All errors of this surface, sorted by status.
        pub const ROWS: &[$crate::error::Row] = &[$($name),*];
    };
}

pub(crate) use rows;

/// Remedy for errors that a field causes.
pub(crate) const FIELD: &str = "Correct the field that `param` names.";
/// Remedy for errors that the client did not cause.
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
