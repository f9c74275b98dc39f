//! Creating and canceling intents.

use domain::intent::{Kind, SettlementMethod, Terms};
use domain::money::{AmountError, Currency, Money};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::decimal::decimals;
use crate::fields::{FieldError, Fields, Why, invalid};
use crate::finternet::error::Error;
use crate::finternet::{CURRENCIES, kind, settlement_method};
use crate::limits;

/// Default delivery period, in seconds: 30 days.
const DELIVERY_PERIOD_DEFAULT: i64 = 2_592_000;
/// Maximum delivery period, in seconds: ten years.
const DELIVERY_PERIOD_MAX: i64 = 315_360_000;
/// Values of `metadata.releaseType`, which selects what releases the funds.
const RELEASE_TYPES: [&str; 4] = [
    "TIME_LOCKED",
    "MILESTONE_LOCKED",
    "DELIVERY_PROOF",
    "AUTO_RELEASE",
];

/// An intent to create.
#[derive(Debug)]
pub struct CreateIntent {
    /// The amount.
    pub money: Money,
    /// The condition for the release.
    pub kind: Kind,
    /// How the merchant is paid out.
    pub settlement_method: SettlementMethod,
    /// Where the payout goes; `None` means the merchant's account with the gateway.
    pub settlement_destination: Option<String>,
    /// Description of the purchase.
    pub description: Option<String>,
    /// The merchant's own keys and values.
    pub metadata: Map<String, Value>,
    /// Conditions for delivery and release.
    pub terms: Terms,
}

impl CreateIntent {
    /// Reads the body of `POST /v1/payment-intents`.
    pub fn read(body: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(body)?;
        let money = money(&mut fields)?;
        let kind = fields.required("type", |fields, name| one_of(fields, name, Kind::ALL, kind))?;
        let methods = SettlementMethod::ALL;
        let method = one_of(&mut fields, "settlementMethod", methods, settlement_method)?;
        let settlement_destination =
            fields.text("settlementDestination", limits::DESTINATION_MAX)?;
        let description = fields.text("description", limits::DESCRIPTION_MAX)?;
        let metadata = fields.metadata()?;
        let terms = terms(&mut fields, &metadata)?;
        fields.finish()?;
        Ok(Self {
            money,
            kind,
            settlement_method: method.unwrap_or(SettlementMethod::OffRampMock),
            settlement_destination,
            description,
            metadata,
            terms,
        })
    }
}

fn money(fields: &mut Fields) -> Result<Money, Error> {
    let text = fields.required("amount", Fields::amount)?;
    let code = fields.required("currency", Fields::word)?;
    let known = CURRENCIES.contains(&code.as_str());
    let currency = Currency::parse(&code).or_else(|| Currency::parse_token(&code));
    let currency = currency.filter(|_| known).ok_or_else(|| {
        let message = format!("currency must be one of {}", CURRENCIES.join(", "));
        Error::invalid("currency", message)
    })?;
    exact(&text, currency)
}

/// Parses an amount in this currency.
pub(super) fn exact(text: &str, currency: Currency) -> Result<Money, Error> {
    let wrong = |wrong| match wrong {
        AmountError::NotPositive => Error::invalid("amount", "The amount must be greater than 0"),
        AmountError::TooLarge => Error::invalid("amount", "The amount is too large"),
        AmountError::TooFine => {
            let most = currency.exponent();
            let message = format!("The amount must have at most {most} decimals in {currency}");
            Error::invalid("amount", message)
        }
    };
    let amount = decimal(text, currency).ok_or_else(|| {
        let message = "amount must be a decimal number in a string, such as \"100.00\"";
        Error::invalid("amount", message)
    })?;
    amount
        .and_then(|amount| Money::from_major(amount, currency))
        .map_err(wrong)
}

/// Parses a plain decimal such as `100.00` with an optional minus sign. Returns `None` for any other
/// text.
fn decimal(text: &str, currency: Currency) -> Option<Result<Decimal, AmountError>> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let decimals = decimals(digits)?;
    if digits != text {
        return Some(Err(AmountError::NotPositive));
    }
    if decimals > currency.exponent() {
        return Some(Err(AmountError::TooFine));
    }
    Some(Decimal::from_str_exact(digits).map_err(|_| AmountError::TooLarge))
}

/// Reads a field whose value must be the name of an element of `all`.
fn one_of<T: Copy, const N: usize>(
    fields: &mut Fields,
    name: &str,
    all: [T; N],
    of: fn(T) -> &'static str,
) -> Result<Option<T>, FieldError> {
    let Some(text) = fields.word(name)? else {
        return Ok(None);
    };
    let found = all.into_iter().find(|one| of(*one) == text);
    let why = || format!("must be one of {}", all.map(of).join(", "));
    found.map(Some).ok_or_else(|| invalid(name, why()))
}

fn terms(fields: &mut Fields, metadata: &Map<String, Value>) -> Result<Terms, Error> {
    let period = fields.integer("deliveryPeriod")?;
    let period = period.unwrap_or(DELIVERY_PERIOD_DEFAULT);
    if !(1..=DELIVERY_PERIOD_MAX).contains(&period) {
        let why = format!("must be 1 to {DELIVERY_PERIOD_MAX} seconds");
        return Err(invalid("deliveryPeriod", why).into());
    }
    let expected_delivery_hash = hex(fields, "expectedDeliveryHash", 32)?;
    let auto_release = fields.boolean("autoRelease")?;
    let delivery_oracle = hex(fields, "deliveryOracle", 20)?;
    let is_automatic = release(metadata)?;
    Ok(Terms {
        delivery_period_seconds: period,
        expected_delivery_hash,
        auto_release: auto_release.unwrap_or(is_automatic),
        delivery_oracle,
    })
}

/// Reads `0x` and this many bytes in hex. Does not check for card numbers, which hex digits may
/// resemble.
fn hex(fields: &mut Fields, name: &str, bytes: usize) -> Result<Option<String>, FieldError> {
    let text = fields.secret_text(name, 80)?;
    let is_hex = |text: &String| {
        let digits = text.strip_prefix("0x").unwrap_or_default();
        digits.len() == bytes * 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match text {
        Some(text) if !is_hex(&text) => {
            let why = format!("must be 0x and {bytes} bytes in hexadecimal digits");
            Err(invalid(name, why))
        }
        text => Ok(text),
    }
}

/// Validates the release settings in the metadata; returns whether the release is automatic.
fn release(metadata: &Map<String, Value>) -> Result<bool, FieldError> {
    let given = |name| metadata.get(name).filter(|value| !value.is_null());
    let kind = given("releaseType").map(|kind| kind.as_str().unwrap_or_default());
    if kind.is_some_and(|kind| !RELEASE_TYPES.contains(&kind)) {
        let why = format!("must be one of {}", RELEASE_TYPES.join(", "));
        return Err(invalid("metadata.releaseType", why));
    }
    match given("timeLockUntil") {
        None if kind == Some("TIME_LOCKED") => {
            return Err(FieldError::new("metadata.timeLockUntil", Why::Missing));
        }
        Some(until) if !is_time(until) => {
            let why = "must be Unix seconds in a string";
            return Err(invalid("metadata.timeLockUntil", why));
        }
        _ => {}
    }
    match given("autoRelease") {
        None => Ok(kind == Some("AUTO_RELEASE")),
        Some(Value::Bool(is_automatic)) => Ok(*is_automatic),
        Some(_) => {
            let why = "must be true or false";
            Err(invalid("metadata.autoRelease", why))
        }
    }
}

/// Whether the value is a string of Unix seconds. Its limit of eleven digits reaches beyond the
/// year 5000.
fn is_time(value: &Value) -> bool {
    let digits = value.as_str().unwrap_or_default();
    (1..=11).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads the body of `POST /v1/payment-intents/{id}/cancel`. The reason is validated, but not
/// stored.
pub fn cancel(body: Value) -> Result<(), Error> {
    let mut fields = Fields::of(body)?;
    fields.text("reason", limits::REASON_MAX)?;
    Ok(fields.finish()?)
}

/// A payment intent to create.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PaymentIntentToCreate")]
pub struct IntentBody {
    /// Amount as a decimal string; a JSON number is rejected. Must be greater than 0, with at most
    /// the currency's decimals: 2 for USD, 6 for USDC and USDT, 18 for DAI.
    #[schemars(
        regex(pattern = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,18})?$"),
        example = "100.00"
    )]
    pub amount: String,
    /// Currency or stablecoin. For a stablecoin, a card is charged the same number of US dollars.
    #[schemars(extend("enum" = CURRENCIES))]
    pub currency: String,
    /// Condition under which the funds are released.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = Kind::ALL.map(kind)))]
    pub kind: String,
    /// How you are paid out. Defaults to `OFF_RAMP_MOCK`.
    #[schemars(extend("enum" = ["OFF_RAMP_MOCK", "OFF_RAMP_TO_RTP", "OFF_RAMP_TO_BANK", null]))]
    pub settlement_method: Option<String>,
    /// Where the payout goes. Defaults to your account with this gateway.
    #[schemars(length(max = limits::DESTINATION_MAX))]
    pub settlement_destination: Option<String>,
    /// Description of the purchase.
    #[schemars(length(max = limits::DESCRIPTION_MAX))]
    pub description: Option<String>,
    /// Key-value pairs to attach to the object: at most 50 keys, 5 levels of nesting, and 500
    /// characters per string. `releaseType` is `TIME_LOCKED`, `MILESTONE_LOCKED`, `DELIVERY_PROOF`
    /// or `AUTO_RELEASE`. `timeLockUntil` is Unix seconds in a string, and required for
    /// `TIME_LOCKED`. `autoRelease` is the default of the parameter `autoRelease`.
    pub metadata: Option<Map<String, Value>>,
    /// Time allowed for delivery, in seconds. Defaults to 30 days.
    #[schemars(range(min = 1, max = DELIVERY_PERIOD_MAX), extend("default" = DELIVERY_PERIOD_DEFAULT))]
    pub delivery_period: Option<i64>,
    /// Hash that the proof of delivery must have: `0x` and 32 bytes in hex.
    #[schemars(regex(pattern = "^0x[0-9a-fA-F]{64}$"))]
    pub expected_delivery_hash: Option<String>,
    /// Whether proof of delivery releases the funds automatically. Defaults to
    /// `metadata.autoRelease`, or else to whether `metadata.releaseType` is `AUTO_RELEASE`.
    pub auto_release: Option<bool>,
    /// Address that may prove delivery: `0x` and 20 bytes in hex.
    #[schemars(regex(pattern = "^0x[0-9a-fA-F]{40}$"))]
    pub delivery_oracle: Option<String>,
}

/// Cancellation of a payment intent.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PaymentIntentToCancel")]
pub struct CancelBody {
    /// Reason for the cancellation. It is not stored.
    #[schemars(length(max = limits::REASON_MAX))]
    pub reason: Option<String>,
}

#[cfg(test)]
#[expect(
    clippy::indexing_slicing,
    reason = "JSON is read by its members; one that is missing is null and fails its assertion"
)]
mod tests;
