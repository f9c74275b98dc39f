//! Intents, with the payment that determines their status.

use domain::event::Subject;
use domain::id::{IntentId, PaymentId};
use domain::intent::{Intent, Kind, Paid, SettlementMethod, State, Terms};
use domain::payment::{self, Failure};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Amount, Header, time};

#[derive(Serialize, Deserialize)]
pub(super) struct IntentV1 {
    money: Amount,
    kind: String,
    settlement_method: String,
    settlement_destination: Option<String>,
    description: Option<String>,
    metadata: Map<String, Value>,
    delivery_period_seconds: i64,
    expected_delivery_hash: Option<String>,
    auto_release: bool,
    delivery_oracle: Option<String>,
    paid: Option<PaidV1>,
    canceled_at: Option<i64>,
    created_at: i64,
    previous: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct PaidV1 {
    payment_id: Uuid,
    state: String,
    failure: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl IntentV1 {
    pub(super) fn of(now: &Intent, previous: Option<State>) -> Self {
        let Terms {
            delivery_period_seconds,
            expected_delivery_hash,
            auto_release,
            delivery_oracle,
        } = now.terms.clone();
        Self {
            money: now.money.into(),
            kind: now.kind.name().to_owned(),
            settlement_method: now.settlement_method.name().to_owned(),
            settlement_destination: now.settlement_destination.clone(),
            description: now.description.clone(),
            metadata: now.metadata.clone(),
            delivery_period_seconds,
            expected_delivery_hash,
            auto_release,
            delivery_oracle,
            paid: now.paid.as_ref().map(|paid| PaidV1 {
                payment_id: paid.payment_id.0,
                state: paid.state.name().to_owned(),
                failure: paid.failure.map(|failure| failure.name().to_owned()),
                created_at: paid.created_at.unix_timestamp(),
                updated_at: paid.updated_at.unix_timestamp(),
            }),
            canceled_at: now.canceled_at.map(OffsetDateTime::unix_timestamp),
            created_at: now.created_at.unix_timestamp(),
            previous: previous.map(|state| state.name().to_owned()),
        }
    }

    pub(super) fn read(self, header: &Header) -> Option<Subject> {
        let paid = match self.paid {
            None => None,
            Some(paid) => Some(Paid {
                payment_id: PaymentId(paid.payment_id),
                state: payment::State::parse(&paid.state)?,
                failure: match paid.failure {
                    None => None,
                    Some(name) => Some(Failure::parse(&name)?),
                },
                // No event of an intent comes after a refund.
                refunded: Decimal::ZERO,
                refunded_at: None,
                created_at: time(paid.created_at)?,
                updated_at: time(paid.updated_at)?,
            }),
        };
        let canceled_at = match self.canceled_at {
            None => None,
            Some(seconds) => Some(time(seconds)?),
        };
        let now = Intent {
            id: IntentId(header.subject_id),
            merchant_id: header.merchant_id,
            mode: header.mode,
            money: self.money.read()?,
            kind: Kind::parse(&self.kind)?,
            settlement_method: SettlementMethod::parse(&self.settlement_method)?,
            settlement_destination: self.settlement_destination,
            description: self.description,
            metadata: self.metadata,
            terms: Terms {
                delivery_period_seconds: self.delivery_period_seconds,
                expected_delivery_hash: self.expected_delivery_hash,
                auto_release: self.auto_release,
                delivery_oracle: self.delivery_oracle,
            },
            paid,
            canceled_at,
            created_at: time(self.created_at)?,
        };
        let previous = match self.previous {
            None => None,
            Some(name) => Some(State::parse(&name)?),
        };
        Some(Subject::Intent { now, previous })
    }
}
