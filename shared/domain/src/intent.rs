//! Intents: a merchant's request to be paid under conditions.
//!
//! A payment pays an intent; if it fails, another payment may follow. The status of an intent is
//! computed from its last payment, so that the two cannot disagree; the row stores only whether the
//! intent was canceled.

use rust_decimal::Decimal;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::id::{IntentId, MerchantId, PaymentId};
use crate::merchant::Mode;
use crate::money::Money;
use crate::payment::{self, Failure, Payment};

/// The condition under which the funds are released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Proof of delivery.
    DeliveryVsPayment,
    /// A condition set by the merchant.
    Conditional,
    /// The merchant pulls the funds with the payer's consent.
    ConsentedPull,
}

names!(Kind {
    DeliveryVsPayment = "delivery_vs_payment",
    Conditional = "conditional",
    ConsentedPull = "consented_pull",
});

/// How the funds are paid out to the merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SettlementMethod {
    /// The sandbox's off-ramp.
    OffRampMock,
    /// Real-time payment.
    OffRampToRtp,
    /// Bank transfer.
    OffRampToBank,
}

names!(SettlementMethod {
    OffRampMock = "off_ramp_mock",
    OffRampToRtp = "off_ramp_to_rtp",
    OffRampToBank = "off_ramp_to_bank",
});

/// The status of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// No payment was attempted.
    Initiated,
    /// A payment is in progress.
    Processing,
    /// The last payment failed; another may follow.
    RequiresAction,
    /// Paid.
    Succeeded,
    /// Canceled by the merchant.
    Canceled,
}

names!(State {
    Initiated = "initiated",
    Processing = "processing",
    RequiresAction = "requires_action",
    Succeeded = "succeeded",
    Canceled = "canceled",
});

impl State {
    /// Whether it can be canceled or paid.
    pub const fn is_open(self) -> bool {
        matches!(self, State::Initiated | State::RequiresAction)
    }
}

/// The last payment of an intent, which determines its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// The payment's id.
    pub payment_id: PaymentId,
    /// The payment's state.
    pub state: payment::State,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// The sum of its refunds that succeeded or are in progress, in major units.
    pub refunded: Decimal,
    /// When a refund last changed that sum, if one did.
    pub refunded_at: Option<OffsetDateTime>,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it last changed, apart from refunds.
    pub updated_at: OffsetDateTime,
}

impl Paid {
    /// The part of a payment that matters to its intent. A payment does not know when it was refunded.
    pub const fn by(payment: &Payment) -> Self {
        Self {
            payment_id: payment.id,
            state: payment.state,
            failure: payment.failure,
            refunded: payment.refunded,
            refunded_at: None,
            created_at: payment.created_at,
            updated_at: payment.updated_at,
        }
    }
}

/// The merchant's conditions for delivery and release, stored for the escrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// How long delivery may take, in seconds.
    pub delivery_period_seconds: i64,
    /// The hash that the proof of delivery must have, 32 bytes in hex.
    pub expected_delivery_hash: Option<String>,
    /// Whether proof of delivery releases the funds automatically.
    pub auto_release: bool,
    /// The address that may prove delivery.
    pub delivery_oracle: Option<String>,
}

/// An intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The intent's id.
    pub id: IntentId,
    /// The merchant to be paid.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// The amount, in a currency or a stablecoin.
    pub money: Money,
    /// The condition for the release.
    pub kind: Kind,
    /// How the merchant is paid out.
    pub settlement_method: SettlementMethod,
    /// Where the payout goes.
    pub settlement_destination: Option<String>,
    /// The merchant's description.
    pub description: Option<String>,
    /// The merchant's own keys and values.
    pub metadata: Map<String, Value>,
    /// Conditions for delivery and release.
    pub terms: Terms,
    /// The last payment, if there is one.
    pub paid: Option<Paid>,
    /// When it was canceled, if it was.
    pub canceled_at: Option<OffsetDateTime>,
    /// When it was created.
    pub created_at: OffsetDateTime,
}

impl Intent {
    /// The status, computed from the cancellation and the last payment.
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

    /// When the intent or its last payment last changed.
    pub fn updated_at(&self) -> OffsetDateTime {
        let paid = self.paid.as_ref();
        let paid = paid.map(|paid| paid.refunded_at.unwrap_or(paid.updated_at));
        let last = self.canceled_at.max(paid);
        last.unwrap_or(self.created_at).max(self.created_at)
    }
}
