//! Access tokens in exchange for client credentials.

use std::sync::Arc;

use axum::extract::State;
use wire::Body;
use wire::credentials::{Credentials, CredentialsBody, Granted};
use wire::error::SurfaceError;
use wire::paygate::error::{CLIENT_INVALID, Error};

use crate::App;
use crate::actions::access_tokens::{self, TOKEN_SECONDS};
use crate::openapi::operation::{Docs, docs};
use crate::surfaces::handler::{Handled, Plain, Reply, Sent};

pub const CREATE: Docs = docs("Access tokens", "createToken", "Get an access token")
    .description(
        "Send it as a Bearer in place of an API key. It expires after `expires_in` seconds.",
    )
    .example(r#"{ "client_id": "client_YOUR_ID", "client_secret": "cs_YOUR_SECRET" }"#)
    .refusing(&[401, 403]);

pub async fn create(
    State(app): State<Arc<App>>,
    sent: Sent<CredentialsBody, Plain>,
) -> Handled<Granted<'static>> {
    let (credentials, _) = sent.read(&app, Credentials::read).await?;
    let token = access_tokens::issue(&app, &credentials, None).await?;
    let token = token.ok_or_else(|| Error::of(&CLIENT_INVALID))?;
    let granted = Granted::of(&token, TOKEN_SECONDS, None);
    Ok(Reply::secret(granted.body()))
}
