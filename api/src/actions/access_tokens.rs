//! Issues access tokens for client credentials.

use domain::id;
use store::clients::{self, Issued};
use wire::credentials::Credentials;
use zeroize::Zeroizing;

use crate::App;
use crate::error::ApiError;

pub use clients::TOKEN_SECONDS;

/// Issues a token that is valid for [`TOKEN_SECONDS`]; `None` if the credentials are wrong.
pub async fn issue(
    app: &App,
    credentials: &Credentials,
    scope: Option<&str>,
) -> Result<Option<Zeroizing<String>>, ApiError> {
    // Malformed ids never reach the database.
    if id::parse("client", &credentials.client_id).is_none() {
        return Ok(None);
    }
    let (client, secret) = (&credentials.client_id, &credentials.client_secret);
    match clients::issue_token(&app.db, client, secret, scope).await? {
        Issued::Token(token) => Ok(Some(token)),
        Issued::Refused => Ok(None),
        Issued::Disabled => Err(ApiError::MerchantDisabled),
    }
}
