//! Responses with ids, times and secrets masked, so that the rest is compared byte for byte.

/// Prefixes of ids; 22 letters and digits follow.
const PREFIXES: [&str; 8] = [
    "pay_", "pm_", "ref_", "cus_", "cust_", "evt_", "whk_", "intent_",
];

/// Members whose value is a time.
const TIMES: [&str; 2] = [r#""created":"#, r#""created_at":"#];

/// The text with every id masked as `pay_…`, every time and secret as `…`. Malformed ids and times are
/// not masked, and so differ from the expected text.
pub fn plain(text: &str) -> String {
    let mut rest = text;
    let mut written = String::new();
    while let Some(first) = rest.chars().next() {
        let skipped = id(rest).or_else(|| time(rest)).or_else(|| secret(rest));
        if let Some((shown, length)) = skipped {
            written.push_str(shown);
            written.push('…');
            rest = rest.get(length..).unwrap_or_default();
        } else {
            written.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    written
}

/// The start of an id and how long it is.
fn id(text: &str) -> Option<(&'static str, usize)> {
    let is_of = |prefix: &&str| text.starts_with(prefix);
    let prefix = PREFIXES.into_iter().find(is_of)?;
    let length = prefix.len() + 22;
    let digits = text.get(prefix.len()..length)?;
    let is_whole = text.get(length..).is_some_and(|rest| rest.starts_with('"'));
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_alphanumeric());
    (is_whole && is_plain).then_some((prefix, length))
}

/// The name of a member that is a time, and how long it is with its value.
fn time(text: &str) -> Option<(&'static str, usize)> {
    let name = TIMES.into_iter().find(|name| text.starts_with(name))?;
    let value = text.get(name.len()..)?;
    let end = value.find([',', '}'])?;
    let value = value.get(..end)?;
    let is_unix = value.len() == 10 && value.bytes().all(|digit| digit.is_ascii_digit());
    (is_unix || is_iso(value)).then_some((name, name.len() + end))
}

/// Whether it is `"2024-03-15T10:30:00Z"`.
fn is_iso(value: &str) -> bool {
    const SHAPE: &[u8] = b"\"0000-00-00T00:00:00Z\"";
    let fits = |(byte, shape): (u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        shape => byte == *shape,
    };
    value.len() == SHAPE.len() && value.bytes().zip(SHAPE).all(fits)
}

/// The start of a webhook secret or a verifying key, and how long it is.
fn secret(text: &str) -> Option<(&'static str, usize)> {
    let is_of = |prefix: &&str| text.starts_with(prefix);
    let prefix = ["whsec_", "whpk_", "at_"].into_iter().find(is_of)?;
    let end = text.find('"').filter(|end| *end > prefix.len() + 40)?;
    Some((prefix, end))
}

#[test]
fn only_well_formed_values_are_masked() {
    let id = "0351FsBhSOBpYQOKPhbU9H";
    for (text, shown) in [
        (format!(r#"{{"id":"pay_{id}"}}"#), r#"{"id":"pay_…"}"#),
        (format!(r#"{{"id":"pay_{id}0"}}"#), ""),
        (r#"{"created":1699564800}"#.to_owned(), r#"{"created":…}"#),
        (r#"{"created":0}"#.to_owned(), ""),
        (
            r#"{"created_at":"2024-03-15T10:30:00Z"}"#.to_owned(),
            r#"{"created_at":…}"#,
        ),
        (r#"{"created_at":"2024-03-15T10:30:00.5Z"}"#.to_owned(), ""),
    ] {
        let expected = if shown.is_empty() { &text } else { shown };
        assert_eq!(plain(&text), expected);
    }
}
