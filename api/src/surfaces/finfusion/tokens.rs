//! Access tokens by OAuth 2.0's client credentials (RFC 6749, section 4.4).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use wire::credentials::Granted;
use wire::finfusion::error::Error;
use wire::finfusion::request::GetToken;

use super::Refusal;
use crate::App;
use crate::actions::access_tokens::{self, TOKEN_SECONDS};
use crate::http::body;
use crate::surfaces::answer_secretly;

pub async fn create(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let asked = GetToken::read(&body::read_form(&parts.headers, body).await?)?;
    let scope = Some(asked.scope.as_str());
    let token = access_tokens::give(&app, &asked.credentials, scope).await?;
    let token = token.ok_or_else(Error::client_invalid)?;
    let granted = Granted::of(&token, TOKEN_SECONDS, scope);
    Ok(answer_secretly(granted.body()))
}
