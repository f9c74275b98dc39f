//! What a client is answered.

use domain::id::{EndpointId, render};
use domain::money::Money;
use domain::payment::{self, Failure, State};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

use crate::subscription::Subscription;

const SECONDS: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// `2024-03-15T10:30:00Z`, without a fraction.
fn at(time: OffsetDateTime) -> String {
    time.to_offset(time::UtcOffset::UTC)
        .format(SECONDS)
        .unwrap_or_default()
}

const fn status(state: State) -> &'static str {
    match state {
        State::Created | State::Authorizing | State::Capturing => "pending",
        State::Captured => "succeeded",
        State::Failed | State::Expired => "failed",
    }
}

/// A payment.
#[derive(Debug, Serialize)]
pub struct Payment<'a> {
    id: String,
    status: &'static str,
    amount: Amount,
    #[serde(rename = "payment_method")]
    method: Method<'a>,
    created_at: String,
    metadata: &'a serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Amount {
    value: i128,
    currency: &'static str,
}

impl Amount {
    fn of(money: Money) -> Self {
        Self {
            value: money.minor(),
            currency: money.currency().code(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Method<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<&'a domain::card::MaskedCard>,
}

impl<'a> Payment<'a> {
    /// The payment as this contract writes it.
    #[must_use]
    pub fn of(payment: &'a payment::Payment) -> Self {
        Self {
            id: payment.id.to_string(),
            status: status(payment.state),
            amount: Amount::of(payment.money),
            method: Method {
                id: render("pm", payment.id.0),
                kind: "card",
                card: payment.card.as_ref(),
            },
            created_at: at(payment.created_at),
            metadata: &payment.metadata,
            decline_code: payment.failure.map(Failure::name),
        }
    }
}

/// A registered endpoint; its secret is shown here and never again.
#[derive(Debug, Serialize)]
pub struct Endpoint<'a> {
    id: String,
    url: &'a str,
    events: &'a [String],
    status: &'static str,
    created_at: String,
    metadata: &'a serde_json::Map<String, serde_json::Value>,
    secret: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<&'a str>,
}

impl<'a> Endpoint<'a> {
    /// The endpoint as this contract writes it.
    #[must_use]
    pub fn of(
        id: EndpointId,
        asked: &'a Subscription,
        created: OffsetDateTime,
        secret: &'a str,
        public_key: Option<&'a str>,
    ) -> Self {
        Self {
            id: id.to_string(),
            url: &asked.url,
            events: &asked.events,
            status: "active",
            created_at: at(created),
            metadata: &asked.metadata,
            secret,
            public_key,
        }
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> String {
        crate::json(self)
    }
}
