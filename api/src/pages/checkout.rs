//! `/checkout/`: the page of a payment. It shows the stored payment with the id in `data`. Anyone
//! can change the link, so the other members of `data` are ignored.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, RETRY_AFTER};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use domain::payment::{self, Payment};
use domain::surface::Surface;
use maud::{Markup, html};
use store::merchants::Profile;
use store::payments::Hosted;
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;
use wire::fourgeeks::checkout;
use wire::query::Parameters;

use super::page;
use crate::App;
use crate::error::ApiError;
use crate::http::anonymous::Counted;
use crate::http::rate_limit::Window;
use crate::http::{client_ip, headers};

const MINUTE: StaticFormatDescription =
    format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");

pub fn routes(app: &Arc<App>) -> Router {
    let shown = get(show).fallback(wrong_method);
    Router::new()
        .route("/checkout", shown.clone())
        .route("/checkout/", shown)
        .layer(from_fn_with_state(Arc::clone(app), guard))
        .with_state(Arc::clone(app))
}

/// Middleware that counts the request by client IP address, as the API counts requests without a key.
async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let from = client_ip::of(&request, &app.trusted_proxies);
    let requests = Counted::Requests(Surface::Fourgeeks);
    let window = Window::of_address(app.anonymous.count(requests, from));
    let mut response = match window.check().and_then(|()| headers::check(&request)) {
        Ok(()) => next.run(request).await,
        Err(error) => error_page(&error),
    };
    window.write(response.headers_mut());
    response
}

async fn wrong_method() -> Response {
    error_page(&ApiError::MethodNotAllowed)
}

async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    match find(&app, request.uri().query().unwrap_or_default()).await {
        Ok((hosted, profile)) => {
            let title = format!("Payment to {}", profile.name);
            page(StatusCode::OK, &title, &stated(&hosted, &profile))
        }
        Err(refused) => error_page(&refused),
    }
}

async fn find(app: &App, query: &str) -> Result<(Hosted, Profile), ApiError> {
    let parameters = Parameters::of(query);
    let data = parameters.text("data").ok().flatten().unwrap_or_default();
    let id = checkout::payment_of(data).ok_or(ApiError::RouteUnknown)?;
    let hosted = store::payments::hosted(&app.db, id).await?;
    let hosted = hosted.ok_or(ApiError::RouteUnknown)?;
    let profile = store::merchants::profile(&app.db, hosted.payment.merchant_id).await?;
    Ok((hosted, profile))
}

fn error_page(refused: &ApiError) -> Response {
    let (status, title, why) = match refused {
        ApiError::RateLimited(_) => (
            StatusCode::TOO_MANY_REQUESTS,
            "Too many requests",
            "Please wait a minute and load this page again.",
        ),
        ApiError::RouteUnknown => (
            StatusCode::NOT_FOUND,
            "No such payment",
            "This link does not lead to a payment. Please check it, or go back to the shop.",
        ),
        ApiError::Header(why) => (StatusCode::BAD_REQUEST, "Bad request", *why),
        ApiError::MethodNotAllowed => (
            StatusCode::METHOD_NOT_ALLOWED,
            "Method not allowed",
            "This page only shows a payment.",
        ),
        _ => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Not available",
            "The payment cannot be shown at the moment. Please load this page again shortly.",
        ),
    };
    let mut page = page(status, title, &html! { h1 { (title) } p { (why) } });
    if status.is_server_error() {
        page.headers_mut().insert(RETRY_AFTER, HeaderValue::from(1));
    }
    page
}

/// Renders the payment, its items and its status.
fn stated(hosted: &Hosted, profile: &Profile) -> Markup {
    let payment = &hosted.payment;
    let checkout = payment.checkout.as_ref();
    let items = checkout.map_or(&[][..], |checkout| &checkout.items);
    let back =
        checkout.and_then(|checkout| checkout::return_link(&checkout.return_url, payment.id));
    html! {
        @if !payment.mode.is_live() {
            p.test { "Test mode: no real money moves." }
        }
        h1 { "Payment to " (profile.name) }
        p.amount { (payment.money.amount()) " " small { (payment.money.currency()) } }
        @if let Some(description) = &payment.description {
            p { (description) }
        }
        @if !items.is_empty() {
            ul { @for item in items { li { (item) } } }
        }
        (status(payment, profile, hosted.expires_at))
        @if let Some(back) = back {
            a.back href=(back) rel="noreferrer" { "Back to " (profile.name) }
        }
        footer {
            (payment.id)
            @if let Some(email) = &profile.email {
                br; "Questions? " a href={ "mailto:" (email) } { (email) }
            }
        }
    }
}

fn status(payment: &Payment, profile: &Profile, expires_at: Option<OffsetDateTime>) -> Markup {
    let (class, label) = match payment.state {
        payment::State::Created => ("status", "Waiting for payment"),
        payment::State::Authorizing | payment::State::Capturing => ("status", "Being processed"),
        payment::State::Captured => ("status paid", "Paid"),
        payment::State::Failed => ("status unpaid", "Not paid"),
        payment::State::Expired => ("status unpaid", "Expired"),
    };
    html! {
        p class=(class) role="status" {
            strong { (label) }
            @match payment.state {
                payment::State::Created => {
                    @if let Some(expires_at) = expires_at {
                        "Open until " (expires_at.format(MINUTE).unwrap_or_default()) ". "
                    }
                    "This page does not take cards: please pay at " (profile.name) ", which takes the card itself."
                }
                payment::State::Authorizing | payment::State::Capturing => {
                    "The outcome is not known yet. Load this page again in a moment."
                }
                payment::State::Captured => {
                    @if payment.refunded.is_zero() {
                        "Thank you. Nothing more is to be done."
                    } @else {
                        (payment.refunded) " " (payment.money.currency())
                        " of it was refunded, or is being refunded."
                    }
                }
                payment::State::Failed => {
                    "The card was declined or could not be charged. Nothing was taken from it."
                }
                payment::State::Expired => {
                    "It was not paid in time. Nothing was charged."
                }
            }
        }
    }
}
