//! Intents: what a merchant wants to be paid under conditions, and what became of it.
//!
//! An intent is paid by a payment of its own, and a payment that fails may be followed by another.
//! Its status is computed from them; the row keeps only whether it was canceled.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::id::{IntentId, MerchantId, PaymentId};
use crate::merchant::Mode;
use crate::money::Money;
use crate::payment::{self, Failure, Payment};

/// Under which conditions the money is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// When delivery is proven.
    DeliveryVsPayment,
    /// When a condition of the merchant's holds.
    Conditional,
    /// Taken by the merchant with the payer's consent.
    ConsentedPull,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 3] = [
        Kind::DeliveryVsPayment,
        Kind::Conditional,
        Kind::ConsentedPull,
    ];

    /// The name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::DeliveryVsPayment => "delivery_vs_payment",
            Kind::Conditional => "conditional",
            Kind::ConsentedPull => "consented_pull",
        }
    }

    /// Reads what [`Kind::name`] wrote.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How the merchant gets the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettlementMethod {
    /// The sandbox's off-ramp.
    OffRampMock,
    /// Real-time payment.
    OffRampToRtp,
    /// Bank transfer.
    OffRampToBank,
}

impl SettlementMethod {
    /// Every method.
    pub const ALL: [SettlementMethod; 3] = [
        SettlementMethod::OffRampMock,
        SettlementMethod::OffRampToRtp,
        SettlementMethod::OffRampToBank,
    ];

    /// The name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            SettlementMethod::OffRampMock => "off_ramp_mock",
            SettlementMethod::OffRampToRtp => "off_ramp_to_rtp",
            SettlementMethod::OffRampToBank => "off_ramp_to_bank",
        }
    }

    /// Reads what [`SettlementMethod::name`] wrote.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// Where an intent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has tried to pay it.
    Initiated,
    /// A payment of it is in work.
    Processing,
    /// The last payment of it failed; another may follow.
    RequiresAction,
    /// It is paid.
    Succeeded,
    /// The merchant canceled it.
    Canceled,
}

impl State {
    /// Every state.
    pub const ALL: [State; 5] = [
        State::Initiated,
        State::Processing,
        State::RequiresAction,
        State::Succeeded,
        State::Canceled,
    ];

    /// Whether the merchant may cancel it, and the payer may pay it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, State::Initiated | State::RequiresAction)
    }
}

/// The payment that counts for an intent: the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// Its id.
    pub payment_id: PaymentId,
    /// Where it stands.
    pub state: payment::State,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// When it was begun.
    #[serde(with = "time::serde::timestamp")]
    pub created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::timestamp")]
    pub updated_at: OffsetDateTime,
}

impl Paid {
    /// What a payment means for the intent it pays.
    #[must_use]
    pub const fn by(payment: &Payment) -> Self {
        Self {
            payment_id: payment.id,
            state: payment.state,
            failure: payment.failure,
            created_at: payment.created_at,
            updated_at: payment.updated_at,
        }
    }
}

/// What the merchant said about delivery and release; kept for the escrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How long delivery may take, in seconds.
    pub delivery_period_seconds: i64,
    /// What the proof of delivery must hash to, 32 bytes in hex.
    pub expected_delivery_hash: Option<String>,
    /// Whether proof of delivery releases the money by itself.
    pub auto_release: bool,
    /// Who may prove delivery, an address.
    pub delivery_oracle: Option<String>,
}

/// An intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its id.
    pub id: IntentId,
    /// Whose.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// How much, in a currency or a stablecoin.
    pub money: Money,
    /// Under which conditions.
    pub kind: Kind,
    /// How the merchant gets it.
    pub settlement_method: SettlementMethod,
    /// Where the merchant gets it.
    pub settlement_destination: Option<String>,
    /// What is paid for.
    pub description: Option<String>,
    /// The merchant's own keys and values.
    pub metadata: Map<String, Value>,
    /// Delivery and release.
    pub terms: Terms,
    /// The payment that counts.
    pub paid: Option<Paid>,
    /// When it was canceled, if it was.
    #[serde(with = "time::serde::timestamp::option")]
    pub canceled_at: Option<OffsetDateTime>,
    /// When it was made.
    #[serde(with = "time::serde::timestamp")]
    pub created_at: OffsetDateTime,
}

impl Intent {
    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        if self.canceled_at.is_some() {
            return State::Canceled;
        }
        match self.paid.as_ref().map(|paid| paid.state) {
            None => State::Initiated,
            Some(
                payment::State::Created | payment::State::Authorizing | payment::State::Capturing,
            ) => State::Processing,
            Some(payment::State::Captured) => State::Succeeded,
            Some(payment::State::Failed | payment::State::Expired) => State::RequiresAction,
        }
    }

    /// When it last changed.
    #[must_use]
    pub fn updated_at(&self) -> OffsetDateTime {
        let paid = self.paid.as_ref().map(|paid| paid.updated_at);
        let last = self.canceled_at.max(paid);
        last.unwrap_or(self.created_at).max(self.created_at)
    }
}
