//! finternet, `/v1/payment-intents`: payment intents with amounts as decimal strings, and every
//! object in an envelope. Times are Unix seconds.

pub mod error;
pub mod request;
pub mod response;
pub mod webhook;

use domain::intent::{Kind, SettlementMethod, State};
use domain::{ledger, refund};

/// Currencies that an intent may have.
pub const CURRENCIES: [&str; 4] = ["USDC", "USDT", "DAI", "USD"];

/// The contract's name of a release condition.
pub const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::DeliveryVsPayment => "DELIVERY_VS_PAYMENT",
        Kind::Conditional => "CONDITIONAL",
        Kind::ConsentedPull => "CONSENTED_PULL",
    }
}

/// The contract's name of a settlement method.
pub const fn settlement_method(method: SettlementMethod) -> &'static str {
    match method {
        SettlementMethod::OffRampMock => "OFF_RAMP_MOCK",
        SettlementMethod::OffRampToRtp => "OFF_RAMP_TO_RTP",
        SettlementMethod::OffRampToBank => "OFF_RAMP_TO_BANK",
    }
}

/// The contract's name of an intent's status.
pub const fn status(state: State) -> &'static str {
    match state {
        State::Initiated => "INITIATED",
        State::Processing => "PROCESSING",
        State::RequiresAction => "REQUIRES_ACTION",
        State::Succeeded => "SUCCEEDED",
        State::Canceled => "CANCELED",
    }
}

/// The name of a refund's status, in the style of an intent's.
pub const fn refund_status(state: refund::State) -> &'static str {
    match state {
        refund::State::Refunding => "PROCESSING",
        refund::State::Refunded => "SUCCEEDED",
        refund::State::Failed => "FAILED",
    }
}

/// Kinds of postings that change a merchant's balance.
const MOVEMENTS: [ledger::Kind; 2] = [ledger::Kind::Capture, ledger::Kind::Refund];

/// The contract's name of a kind of posting.
const fn transaction_type(kind: ledger::Kind) -> &'static str {
    match kind {
        ledger::Kind::Hold => "RESERVE",
        ledger::Kind::Release => "RELEASE",
        ledger::Kind::Capture => "CREDIT",
        ledger::Kind::Refund => "REFUND",
    }
}
