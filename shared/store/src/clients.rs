//! Client credentials, and the short-lived tokens that are given for them.

use sqlx::PgPool;
use zeroize::Zeroizing;

use crate::Result;
use crate::merchants::hash;

/// How long a token is taken, in seconds.
pub const TOKEN_SECONDS: i32 = 3_600;

/// Gives a token for client credentials; `None` if they are not right.
pub async fn issue_token(
    db: &PgPool,
    client_id: &str,
    client_secret: &str,
    scope: Option<&str>,
) -> Result<Option<Zeroizing<String>>> {
    let token = domain::merchant::access_token(&rand::random());
    // Found by the hash of 256 random bits, so how long the look-up takes tells nothing.
    let is_given = sqlx::query_scalar!(
        r#"select issue_token($1, $2, $3, $4, $5) as "is_given!""#,
        client_id,
        hash(client_secret),
        hash(&token),
        scope,
        f64::from(TOKEN_SECONDS),
    )
    .fetch_one(db)
    .await?;
    Ok(is_given.then_some(token))
}

/// Deletes tokens that are not taken any more; returns how many.
pub async fn delete_expired(db: &PgPool) -> Result<u64> {
    // A day later: until then an expired token is told from one that never was.
    let gone =
        sqlx::query!("delete from access_tokens where expires_at < now() - interval '1 day'")
            .execute(db)
            .await?;
    Ok(gone.rows_affected())
}
