//! Access tokens, by the client credentials grant of OAuth 2.0 (RFC 6749, section 4.4).

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use wire::Body;
use wire::credentials::Granted;
use wire::error::SurfaceError;
use wire::finfusion::error::{CLIENT_INVALID, Error};
use wire::finfusion::request::{GetToken, TokenBody};

use crate::App;
use crate::actions::access_tokens::{self, TOKEN_SECONDS};
use crate::openapi::operation::{Docs, docs};
use crate::surfaces::handler::{Form, Handled, Reply, Sent};

pub const CREATE: Docs = docs("Access tokens", "createToken", "Get an access token")
    .description(
        "OAuth 2.0 client credentials: send them in the form or by HTTP Basic, not both. Send the \
         token as a Bearer in place of an API key.",
    )
    .example(
        r#"{
            "grant_type": "client_credentials",
            "client_id": "client_YOUR_ID", "client_secret": "cs_YOUR_SECRET"
        }"#,
    )
    .refusing(&[401, 403]);

pub async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    sent: Sent<TokenBody, Form>,
) -> Handled<Granted<'static>> {
    let authorization = headers.get(AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    let wanted = GetToken::read(&sent.form().await?, authorization)?;
    let scope = Some(wanted.scope.as_str());
    let token = access_tokens::issue(&app, &wanted.credentials, scope).await?;
    let token = token.ok_or_else(|| Error::of(&CLIENT_INVALID))?;
    let granted = Granted::of(&token, TOKEN_SECONDS, scope);
    Ok(Reply::secret(granted.body()))
}
