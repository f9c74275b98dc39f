//! The sandbox's test cards by what they do; `deploy/sandbox/src/cards.rs` lists them all.

/// Approved and captured.
pub const APPROVED: &str = "4242424242424242";
/// The same, of another brand.
pub const APPROVED_MASTERCARD: &str = "5555555555554444";
/// Not a card number: the check digit of [`APPROVED`] is wrong.
pub const INVALID: &str = "4242424242424241";

/// Declined: `card_declined`.
pub const DECLINED: &str = "4000000000000002";
/// Declined: `insufficient_funds`.
pub const INSUFFICIENT_FUNDS: &str = "4000000000009995";
/// Declined: `expired_card`.
pub const EXPIRED: &str = "4000000000000069";

/// Approved after 3 s (at a pace of 100 %).
pub const SLOW: &str = "4000000000010035";
/// Approved after 12 s.
pub const VERY_SLOW: &str = "4000000000010126";
/// Approved at once, but the response never comes: the connection closes after 60 s.
pub const APPROVES_SILENTLY: &str = "4000000000010605";
/// The first attempt leaves no trace for 12 s, then is approved, or refused if it was voided.
pub const LATE: &str = "4000000000020125";
/// The same, but approved even if it was voided.
pub const LATE_DESPITE_VOID: &str = "4000000000021123";

/// The first attempt does nothing and resets the connection.
pub const RESETS: &str = "4000000000030017";
/// Approved, then the connection is reset.
pub const APPROVES_THEN_RESETS: &str = "4000000000030025";
/// Approved; the response is 200 with half of its JSON.
pub const APPROVES_WITH_HALF_A_BODY: &str = "4000000000042004";
/// Approved; the response is a 500.
pub const APPROVES_WITH_500: &str = "4000000000045007";
/// The first attempt does nothing; the response is a 503.
pub const UNAVAILABLE: &str = "4000000000045031";
/// Approved; the response names another reference and amount.
pub const APPROVES_ANOTHER_REFERENCE: &str = "4000000000046666";

/// Approved and captured, but the connection of the first capture closes without a response.
pub const CAPTURES_WITHOUT_RESPONSE: &str = "4000000000060014";
/// Approved; every capture is refused.
pub const UNCAPTURABLE: &str = "4000000000064099";
/// Approved and captured; every refund is refused.
pub const UNREFUNDABLE: &str = "4000000000074098";
