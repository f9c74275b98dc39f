//! What an operator needs to see of a running installation.

use domain::endpoint::Status;
use domain::id::{EndpointId, MerchantId};
use domain::merchant::Mode;
use domain::surface::Surface;
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::migrations::MIGRATIONS;
use crate::{Error, Result};

/// The database's schema and this program's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The newest migration of the database.
    pub database: i64,
    /// The newest migration that this program knows.
    pub program: i64,
}

/// The versions of the schema.
pub async fn schema(db: &PgPool) -> Result<Schema> {
    let database = sqlx::query_scalar!("select schema_version()")
        .fetch_one(db)
        .await?;
    let program = MIGRATIONS.iter().map(|migration| migration.version).max();
    Ok(Schema {
        database: database.unwrap_or_default(),
        program: program.unwrap_or_default(),
    })
}

/// The connections of the processes of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    /// The kind, such as `card` or `api`.
    pub process: String,
    /// Open connections to the database.
    pub connections: i64,
    /// Processes of a worker: those with a session for claims.
    pub sessions: i64,
}

/// Who is connected to this database.
pub async fn connections(db: &PgPool) -> Result<Vec<Connections>> {
    // Only the session for claims holds an exclusive advisory lock outside of a transaction for long.
    let rows = sqlx::query_as!(
        Connections,
        r#"select substr(a.application_name, 8) as "process!", count(distinct a.pid) as "connections!",
                  count(distinct l.pid) as "sessions!"
           from pg_stat_activity a
           left join pg_locks l on l.pid = a.pid and l.locktype = 'advisory' and l.granted
                                   and l.mode = 'ExclusiveLock'
           where a.datname = current_database() and a.application_name like 'sluice %'
           group by a.application_name order by a.application_name"#
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// An endpoint whose last attempts all failed.
#[derive(Debug, Clone)]
pub struct FailingEndpoint {
    /// The endpoint.
    pub id: EndpointId,
    /// Its merchant.
    pub merchant_id: MerchantId,
    /// The merchant's name.
    pub merchant: String,
    /// Its mode.
    pub mode: Mode,
    /// Its surface.
    pub surface: Surface,
    /// Its URL, which may hold a secret.
    pub url: String,
    /// Attempts since the last success.
    pub failures: i32,
    /// Since when.
    pub since: OffsetDateTime,
    /// Until when nothing is sent, if it is paused.
    pub paused_until: Option<OffsetDateTime>,
}

/// The `most` active endpoints that have failed for longest, and how many there are.
pub async fn failing_endpoints(db: &PgPool, most: i64) -> Result<(i64, Vec<FailingEndpoint>)> {
    let rows = sqlx::query!(
        r#"select e.id, e.merchant_id, m.name, e.live, e.surface, e.url, e.failures,
                  e.failing_since as "failing_since!",
                  case when e.paused_until > now() then e.paused_until end as paused_until,
                  count(*) over () as "count!"
           from webhook_endpoints e join merchants m on m.id = e.merchant_id
           where e.failing_since is not null and e.status = $2
           order by e.failing_since, e.id limit $1"#,
        most,
        Status::Active.name(),
    )
    .fetch_all(db)
    .await?;
    let count = rows.first().map_or(0, |row| row.count);
    let endpoints = rows.into_iter().map(|row| {
        let surface = Surface::parse(&row.surface);
        Ok(FailingEndpoint {
            id: EndpointId(row.id),
            merchant_id: MerchantId(row.merchant_id),
            merchant: row.name,
            mode: Mode::of(row.live),
            surface: surface.ok_or(Error::Unreadable {
                table: "webhook_endpoints",
            })?,
            url: row.url,
            failures: row.failures,
            since: row.failing_since,
            paused_until: row.paused_until,
        })
    });
    Ok((count, endpoints.collect::<Result<_>>()?))
}
