//! Access tokens.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use wire::credentials::{Credentials, Granted};
use wire::paygate::error::Error;

use super::Refusal;
use crate::App;
use crate::actions::access_tokens::{self, TOKEN_SECONDS};
use crate::http::body;
use crate::surfaces::answer_secretly;

pub async fn create(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let asked = Credentials::read(body::read(&parts.headers, body).await?)?;
    let token = access_tokens::give(&app, &asked, None).await?;
    let token = token.ok_or_else(Error::client_invalid)?;
    let granted = Granted::of(&token, TOKEN_SECONDS, None);
    Ok(answer_secretly(granted.body()))
}
