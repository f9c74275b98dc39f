//! Client credentials and the short-lived access tokens issued for them.

use sqlx::PgPool;
use zeroize::Zeroizing;

use crate::Result;
use crate::merchants::hash;

/// How long an access token is valid, in seconds.
pub const TOKEN_SECONDS: i32 = 3_600;

/// Issues an access token; `None` if the client credentials are wrong.
pub async fn issue_token(
    db: &PgPool,
    client_id: &str,
    client_secret: &str,
    scope: Option<&str>,
) -> Result<Option<Zeroizing<String>>> {
    let token = domain::merchant::access_token(&rand::random());
    // The lookup compares hashes of 256-bit random secrets, so its timing reveals nothing useful.
    let is_issued = sqlx::query_scalar!(
        r#"select issue_token($1, $2, $3, $4, $5) as "is_given!""#,
        client_id,
        hash(client_secret),
        hash(&token),
        scope,
        f64::from(TOKEN_SECONDS),
    )
    .fetch_one(db)
    .await?;
    Ok(is_issued.then_some(token))
}
