//! Counting requests: one row per key, surface and minute. Concurrent hits are summed first, so that a
//! busy key costs one update per batch.

use std::collections::BTreeMap;

use domain::surface::Surface;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;
use crate::batch::Statement;

/// Requests of a key on a surface.
#[derive(Debug, Clone, Copy)]
pub struct Hits {
    /// The id that the requests are counted under.
    pub key_id: Uuid,
    /// The surface they were made on.
    pub surface: Surface,
    /// How many.
    pub count: u32,
}

/// The position of the last of these requests in its minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The request's number in the minute, from 1.
    pub number: u32,
    /// When the next minute starts, Unix seconds.
    pub reset: i64,
}

impl Statement for Hits {
    type Row = Hits;
    type Output = Counted;

    async fn run(db: &mut PgConnection, rows: &[Hits]) -> Result<Vec<Option<Counted>>> {
        let mut sums = BTreeMap::<(Uuid, &str), i32>::new();
        for hit in rows {
            let sum = sums.entry((hit.key_id, hit.surface.name())).or_default();
            *sum = sum.saturating_add(i32::try_from(hit.count).unwrap_or(i32::MAX));
        }
        let subjects: Vec<Uuid> = sums.keys().map(|(subject, _)| *subject).collect();
        let surfaces: Vec<&str> = sums.keys().map(|(_, surface)| *surface).collect();
        let hits: Vec<i32> = sums.values().copied().collect();
        let counted = sqlx::query!(
            r#"
            insert into rate_windows as w (subject, surface, minute, hits)
            select subject, surface, date_trunc('minute', now()), hits
            from unnest($1::uuid[], $2::text[], $3::integer[]) as i(subject, surface, hits)
            order by subject, surface
            on conflict (subject, surface, minute) do update set hits = w.hits + excluded.hits
            returning subject, surface, hits,
                      extract(epoch from minute + interval '1 minute')::bigint as "reset!"
            "#,
            &subjects,
            &surfaces as _,
            &hits,
        )
        .fetch_all(db)
        .await?;
        let mut counts: BTreeMap<(Uuid, String), (i32, i64)> = counted
            .into_iter()
            .map(|row| ((row.subject, row.surface), (row.hits, row.reset)))
            .collect();
        // The statement returns the count after the whole batch, so the last row has that number and
        // the others count down from it.
        let mut numbered: Vec<_> = rows
            .iter()
            .rev()
            .map(|hit| number(&mut counts, *hit))
            .collect();
        numbered.reverse();
        Ok(numbered)
    }
}

fn number(counts: &mut BTreeMap<(Uuid, String), (i32, i64)>, hit: Hits) -> Option<Counted> {
    let (hits, reset) = counts.get_mut(&(hit.key_id, hit.surface.name().to_owned()))?;
    let number = u32::try_from(*hits).ok()?;
    *hits = hits.saturating_sub(i32::try_from(hit.count).ok()?);
    Some(Counted {
        number,
        reset: *reset,
    })
}
