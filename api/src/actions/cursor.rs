//! Cursors of lists.

use wire::page;

use crate::error::ApiError;

/// The object that a page of a list starts after. `found` is the result of reading it: if it is
/// missing, the request is rejected, because an empty page would look like the end of the list.
pub fn object<T>(found: Result<T, ApiError>) -> Result<T, ApiError> {
    found.map_err(|error| match error {
        ApiError::Missing(_) => ApiError::Parameter(page::not_listed()),
        error => error,
    })
}
