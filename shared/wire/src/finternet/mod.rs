//! finternet, `/v1/payment-intents`: intents with amounts as decimal strings, in an envelope of
//! their own. Times are Unix seconds.

pub mod error;
pub mod request;
pub mod response;
pub mod webhook;

use domain::intent::{Kind, SettlementMethod, State};
use domain::ledger;

/// The currencies an intent may be in.
pub const CURRENCIES: [&str; 4] = ["USDC", "USDT", "DAI", "USD"];

/// Under which conditions the money is released, in this contract's word.
pub const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::DeliveryVsPayment => "DELIVERY_VS_PAYMENT",
        Kind::Conditional => "CONDITIONAL",
        Kind::ConsentedPull => "CONSENTED_PULL",
    }
}

/// How the merchant gets the money, in this contract's word.
pub const fn settlement_method(method: SettlementMethod) -> &'static str {
    match method {
        SettlementMethod::OffRampMock => "OFF_RAMP_MOCK",
        SettlementMethod::OffRampToRtp => "OFF_RAMP_TO_RTP",
        SettlementMethod::OffRampToBank => "OFF_RAMP_TO_BANK",
    }
}

/// Where an intent stands, in this contract's word.
pub const fn status(state: State) -> &'static str {
    match state {
        State::Initiated => "INITIATED",
        State::Processing => "PROCESSING",
        State::RequiresAction => "REQUIRES_ACTION",
        State::Succeeded => "SUCCEEDED",
        State::Canceled => "CANCELED",
    }
}

/// What moves a merchant's balance.
const MOVEMENTS: [ledger::Kind; 2] = [ledger::Kind::Capture, ledger::Kind::Refund];

/// Why a merchant's account moved, in this contract's word.
const fn transaction_type(kind: ledger::Kind) -> &'static str {
    match kind {
        ledger::Kind::Hold => "RESERVE",
        ledger::Kind::Release => "RELEASE",
        ledger::Kind::Capture => "CREDIT",
        ledger::Kind::Refund => "REFUND",
    }
}
