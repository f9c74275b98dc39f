//! Rejects query parameters that an operation does not document.

use std::sync::Arc;

use aide::generate;
use aide::openapi::{Operation, Parameter};
use aide::operation::OperationInput;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use wire::query::Parameters;

use super::dispatch::Identified;
use super::handler::Refusal;
use crate::error::ApiError;

/// What an operation takes, as the types of its handler document it.
#[derive(Clone)]
pub struct Known {
    parameters: Arc<[String]>,
    needs_key: bool,
}

impl Known {
    /// Reads the documentation of a handler's input.
    pub fn of<I: OperationInput>() -> Self {
        let mut operation = Operation::default();
        generate::in_context(|context| I::operation_input(context, &mut operation));
        let parameters = operation.parameters.into_iter();
        let parameters = parameters.filter_map(|parameter| match parameter.into_item()? {
            Parameter::Query { parameter_data, .. } => Some(parameter_data.name),
            _ => None,
        });
        Self {
            parameters: parameters.collect(),
            needs_key: !operation.security.is_empty(),
        }
    }
}

/// Middleware that passes a request on if the operation knows its parameters. A request without the
/// key that it needs is passed on too: the operation rejects it with 401.
pub async fn check(State(known): State<Known>, request: Request, next: Next) -> Response {
    let identified = request.extensions().get::<Identified>();
    let lacks_key = known.needs_key && !identified.is_some_and(Result::is_ok);
    let query = request.uri().query().filter(|_| !lacks_key);
    let checked = query.map(|query| Parameters::of(query).refuse_unknown(&known.parameters));
    match checked {
        Some(Err(unknown)) => Refusal::Api(ApiError::Parameter(unknown)).into_response(),
        Some(Ok(())) | None => next.run(request).await,
    }
}
