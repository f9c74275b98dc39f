//! Pages of lists. The rows are read one at a time, so that a page that ends early never holds more in
//! memory than it returns.

use futures::{Stream, TryStreamExt};
use serde_json::Value;

use crate::Result;

/// The most metadata on one page, bytes, on lists that can say that more objects follow. An object may
/// have almost 64 KiB of it.
pub const METADATA_MAX: usize = 1 << 20;

/// How much a page may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The most rows.
    pub rows: u32,
    /// The most metadata, bytes. A first row that has more is returned all the same.
    pub metadata: usize,
}

impl Size {
    /// A page of at most this many rows, which ends earlier at [`METADATA_MAX`].
    pub const fn short(rows: u32) -> Self {
        Self {
            rows,
            metadata: METADATA_MAX,
        }
    }

    /// A page of this many rows however large they are: its readers take a shorter one for the last.
    pub const fn whole(rows: u32) -> Self {
        Self {
            rows,
            metadata: usize::MAX,
        }
    }

    /// How many rows to query: one more, to detect whether more follow.
    pub(crate) fn queried(self) -> i64 {
        i64::from(self.rows) + 1
    }

    /// Reads the rows of the page; also returns whether more follow.
    pub(crate) async fn read<R>(
        self,
        mut rows: impl Stream<Item = sqlx::Result<R>> + Unpin,
        metadata: impl Fn(&R) -> &Value,
    ) -> Result<(Vec<R>, bool)> {
        let limit = usize::try_from(self.rows).unwrap_or(usize::MAX);
        let (mut page, mut bytes) = (Vec::new(), 0_usize);
        while let Some(row) = rows.try_next().await? {
            bytes = bytes.saturating_add(metadata(&row).to_string().len());
            if page.len() >= limit || (bytes > self.metadata && !page.is_empty()) {
                return Ok((page, true));
            }
            page.push(row);
        }
        Ok((page, false))
    }
}

/// Leaves out rows that cannot be read, for example those of a newer version that shares the database during an
/// upgrade: they must not keep a merchant from all others. An error if none can be read.
pub(crate) fn readable<T>(rows: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let (mut read, mut failed) = (Vec::new(), None);
    for row in rows {
        match row {
            Ok(row) => read.push(row),
            Err(error) => {
                tracing::error!(%error, "left out of a list");
                failed = Some(error);
            }
        }
    }
    match failed {
        Some(error) if read.is_empty() => Err(error),
        _ => Ok(read),
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    /// The rows of a page and whether more follow, where each object has ten bytes of metadata.
    async fn read(size: Size, found: usize) -> Option<(usize, bool)> {
        let rows = vec![Value::from("12345678"); found].into_iter().map(Ok);
        let (page, has_more) = size.read(stream::iter(rows), |row| row).await.ok()?;
        Some((page.len(), has_more))
    }

    #[test]
    fn rows_that_cannot_be_read_are_left_out_unless_there_are_no_others() {
        let unreadable = || Err(crate::Error::Unreadable { table: "payments" });
        let found = |rows: Vec<Result<u8>>| readable(rows.into_iter()).ok();
        assert_eq!(found(vec![]), Some(vec![]));
        assert_eq!(found(vec![Ok(1), unreadable(), Ok(3)]), Some(vec![1, 3]));
        assert_eq!(found(vec![unreadable(), unreadable()]), None);
    }

    #[tokio::test]
    async fn a_page_ends_at_its_rows_or_at_its_bytes() {
        let of = |rows, metadata| Size { rows, metadata };
        for (size, found, expected) in [
            (of(2, 100), 0, (0, false)),
            (of(2, 100), 2, (2, false)),
            (of(2, 100), 3, (2, true)),
            (of(9, 30), 3, (3, false)),
            (of(9, 30), 4, (3, true)),
            (of(9, 1), 2, (1, true)),
            (of(9, 1), 1, (1, false)),
            (Size::whole(9), 9, (9, false)),
        ] {
            assert_eq!(read(size, found).await, Some(expected), "{size:?} {found}");
        }
    }
}
