//! The beginning of an endpoint's response, as it is stored and shown.

use crate::{card, unicode};

/// The longest excerpt, bytes.
const EXCERPT_MAX: usize = 1_024;
/// How much of a response is read for it, bytes: a card number that begins in the excerpt and ends after
/// it is found too.
pub const RESPONSE_READ: usize = 2 * EXCERPT_MAX;
/// Stands for a response that must not be stored.
const WITHHELD: &str = "[not stored: it holds what looks like a card number]";

/// The beginning of a response's body, at most 1 KiB: valid UTF-8 on one line, without control characters
/// and invisible ones. `None` if nothing is left. A text with a card number is not shown.
pub fn excerpt(body: &[u8]) -> Option<String> {
    let head = body.get(..RESPONSE_READ).unwrap_or(body);
    let text = String::from_utf8_lossy(head);
    let seen = text.chars().filter(|c| !unicode::is_invisible(*c));
    let line: String = seen.map(|c| if c.is_control() { ' ' } else { c }).collect();
    if card::contains_card_number(&line) {
        return Some(WITHHELD.to_owned());
    }
    let end = line.floor_char_boundary(EXCERPT_MAX);
    let excerpt = line.get(..end).unwrap_or_default().trim();
    (!excerpt.is_empty()).then(|| excerpt.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_responses_are_one_plain_line() {
        for (body, shown) in [
            (&b""[..], None),
            (b" \r\n\0", None),
            (b"ok\n", Some("ok")),
            (b"a\0b\x1b[31mc\r\nd\x7f", Some("a b [31mc  d")),
            (
                b"<script>alert(1)</script>",
                Some("<script>alert(1)</script>"),
            ),
            (b"\xff\xfeok", Some("\u{fffd}\u{fffd}ok")),
            ("l\u{202e}rtl\u{200b}\u{feff}".as_bytes(), Some("lrtl")),
            (b"card 4242 4242 4242 4242", Some(WITHHELD)),
            (b"4242\x004242\x004242\x004242", Some(WITHHELD)),
            ("4242\u{200b}424242424242".as_bytes(), Some(WITHHELD)),
            (b"order 1234567890", Some("order 1234567890")),
        ] {
            assert_eq!(excerpt(body).as_deref(), shown, "{body:?}");
        }
    }

    #[test]
    fn a_card_number_across_the_end_is_found() {
        for before in 1_005..EXCERPT_MAX {
            let body = format!("{}4242424242424242", ".".repeat(before));
            assert_eq!(excerpt(body.as_bytes()).as_deref(), Some(WITHHELD));
        }
    }

    proptest! {
        #[test]
        fn no_response_makes_a_long_or_strange_text(
            body in prop::collection::vec(any::<u8>(), 0..4_096),
            text in "\\PC{0,2000}",
        ) {
            for body in [body, text.into_bytes()] {
                let shown = excerpt(&body).unwrap_or_default();
                prop_assert!(shown.len() <= EXCERPT_MAX);
                prop_assert!(shown.chars().all(|c| !c.is_control() && !unicode::is_invisible(c)));
            }
        }
    }
}
