//! Amounts as decimal strings.

/// The number of decimals of a plain decimal such as `100.00`: digits without leading zeros, and an
/// optional point with digits on both sides; no sign, exponent or spaces. Returns `None` for any
/// other text.
pub fn decimals(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let has_needless_zero = whole.len() > 1 && whole.starts_with('0');
    if has_needless_zero || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let count = if text.contains('.') {
        fraction.len()
    } else {
        0
    };
    Some(u32::try_from(count).unwrap_or(u32::MAX))
}
