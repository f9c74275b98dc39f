//! The sums of days: one row for each account and day, and the gateway's own.

use anyhow::{Result, ensure};
use sqlx::{Connection, PgConnection};
use store::Role;
use uuid::Uuid;

use super::{become_role, name};

pub async fn sees_only_its_own(db: &mut PgConnection, owners: &[(Uuid, bool, i64)]) -> Result<()> {
    let all = "select count(*) from account_days";
    let mut sub = db.begin().await?;
    become_role(&mut sub, Role::Api).await?;
    let unnamed: i64 = sqlx::query_scalar(all).fetch_one(&mut *sub).await?;
    ensure!(unnamed == 0, "account_days is visible without a merchant");
    for (merchant, live, rows) in owners {
        name(&mut sub, *merchant, *live).await?;
        let own = "select count(*) filter (where (merchant_id, live) = ($1, $2) and credits = $3), count(*)
                   from account_days";
        let own = sqlx::query_as(own).bind(merchant).bind(live).bind(rows);
        let found: (i64, i64) = own.fetch_one(&mut *sub).await?;
        ensure!(found == (1, 1), "{found:?} days of one merchant");
    }
    sub.rollback().await?;
    Ok(())
}
