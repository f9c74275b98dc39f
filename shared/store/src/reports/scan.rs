//! Walks each table by ranges of ids, each in one statement, so with one snapshot: rows that change meanwhile
//! agree with each other. The length of a range adapts to the time that it takes.

use std::time::{Duration, Instant};

use futures::TryStreamExt;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::facts::Facts;
use super::statements::{End, Report, Rows, keys, keys_end};
use super::{Compared, Findings, days};
use crate::{Error, NEWEST, Result};

/// How long the statement of a range should take. Postgres ends it after two seconds.
const TARGET: Duration = Duration::from_millis(400);
/// How many rows the first range of each walk has.
const ROWS_FIRST: i64 = 500;
/// The most rows of a range: what Postgres keeps in memory for one.
const ROWS_MAX: i64 = 20_000;

/// Compares everything in the database. The connection should have the settings of
/// [`connect_reports`](crate::connect_reports).
pub async fn compare(db: &mut PgConnection, found: &mut Findings) -> Result<Compared> {
    let facts = &Facts::new();
    let mut compared = Compared::default();
    for report in Report::ALL {
        let count = walk(
            db,
            facts,
            found,
            (Uuid::nil(), Uuid::max()),
            async |db, after, limit| report.end(db, after, limit).await,
            |db, facts, after, upto| report.differences(db, facts, after, upto),
        )
        .await?;
        if let Some(counter) = report.counter(&mut compared) {
            *counter = count;
        }
    }
    days::compare(db, found).await?;
    let all_time = (OffsetDateTime::UNIX_EPOCH, NEWEST.0);
    walk(db, facts, found, all_time, keys_end, keys).await?;
    Ok(compared)
}

/// Walks from the first bound to the last. Returns how many rows there are.
async fn walk<B: Copy>(
    db: &mut PgConnection,
    facts: &Facts,
    found: &mut Findings,
    (mut after, last): (B, B),
    end: impl AsyncFn(&mut PgConnection, B, i64) -> sqlx::Result<End<B>>,
    differences: impl for<'a> Fn(&'a mut PgConnection, &'a Facts, B, B) -> Rows<'a>,
) -> Result<i64> {
    let (mut rows, mut count) = (ROWS_FIRST, 0_i64);
    loop {
        let started = Instant::now();
        let next = end(db, after, rows).await?;
        // The last range has no end: what it finds may belong to no row of the walk.
        let upto = next.last.filter(|_| next.count >= rows);
        let mut part = found.none();
        match collect(
            differences(db, facts, after, upto.unwrap_or(last)),
            &mut part,
        )
        .await
        {
            Err(Error::Database(error)) if is_timeout(&error) && rows > 1 => {
                rows /= 2;
                continue;
            }
            done => done?,
        }
        found.merge(part);
        count = count.saturating_add(next.count);
        let Some(upto) = upto else { return Ok(count) };
        after = upto;
        rows = adapted(rows, started.elapsed());
    }
}

async fn collect(mut rows: Rows<'_>, found: &mut Findings) -> Result<()> {
    while let Some(row) = rows.try_next().await? {
        found.push(row.read()?);
    }
    Ok(())
}

/// Postgres ended the statement after its limit.
pub(super) fn is_timeout(error: &sqlx::Error) -> bool {
    let database = error.as_database_error();
    database
        .and_then(sqlx::error::DatabaseError::code)
        .as_deref()
        == Some("57014")
}

/// The rows of the next range, after `rows` took this long: at most twice as many, so that one fast range does
/// not make the next one too slow.
fn adapted(rows: i64, took: Duration) -> i64 {
    let most = rows.saturating_mul(2).min(ROWS_MAX);
    let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX).max(1);
    let target = i64::try_from(TARGET.as_millis()).unwrap_or(i64::MAX);
    (rows.saturating_mul(target) / took).clamp(1, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_adapt_to_the_time_that_they_take() {
        let after = |ms| adapted(1_000, Duration::from_millis(ms));
        assert_eq!([after(0), after(100), after(200)], [2_000; 3]);
        assert_eq!([after(400), after(800), after(1_600)], [1_000, 500, 250]);
        assert_eq!(adapted(1, Duration::from_secs(2)), 1);
        assert_eq!(adapted(ROWS_MAX, Duration::ZERO), ROWS_MAX);
    }
}
