//! Client credentials and the short-lived access tokens issued for them.

use sqlx::PgPool;
use zeroize::Zeroizing;

use crate::Result;
use crate::merchants::hash;

/// How long an access token is valid, in seconds.
pub const TOKEN_SECONDS: i32 = 3_600;

/// The result of a request for an access token.
#[derive(Debug)]
pub enum Issued {
    /// The new token.
    Token(Zeroizing<String>),
    /// The client credentials are wrong or revoked.
    Refused,
    /// The client's merchant is disabled.
    Disabled,
}

/// Issues an access token for client credentials. After the secret was rolled, the one before is
/// accepted for its overlap.
pub async fn issue_token(
    db: &PgPool,
    client_id: &str,
    client_secret: &str,
    scope: Option<&str>,
) -> Result<Issued> {
    let token = domain::merchant::access_token(&rand::random());
    // The lookup compares hashes of 256-bit random secrets, so its timing reveals nothing useful.
    let is_disabled = sqlx::query_scalar!(
        r#"select is_disabled as "is_disabled!" from issue_access_token($1, $2, $3, $4, $5)"#,
        client_id,
        hash(client_secret),
        hash(&token),
        scope,
        f64::from(TOKEN_SECONDS),
    )
    .fetch_optional(db)
    .await?;
    Ok(match is_disabled {
        Some(false) => Issued::Token(token),
        Some(true) => Issued::Disabled,
        None => Issued::Refused,
    })
}
